/** Copies what belongs to no vault from the scratch to the new catalog. */
import type { Selectable } from 'kysely';
import {
  FIRST_KEY_SETTING,
  PEOPLE_JOURNALED_SETTING,
  WEAK_KEY_SETTING,
} from '../../domain/setting-catalog.ts';
import type { Schema } from '../schema.ts';
import type { Row, Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

/** What was copied. */
export interface CopiedPeople {
  readonly accounts: number;
  readonly users: number;
  readonly keys: number;
  /** Ids of access keys whose secrets cannot be opened with the master key. */
  readonly keysLeftOut: readonly string[];
}

/** @param canOpen whether the secret of a key can be opened. */
export async function copyPeople(
  scratch: Scratch,
  target: RebuildTarget,
  nowMs: number,
  canOpen: (id: string, sealedSecret: string) => boolean,
): Promise<CopiedPeople> {
  const all = <Table extends keyof Schema>(table: Table, where = '') =>
    scratch.rows(`select * from ${table} ${where}`) as Iterable<Row & Selectable<Schema[Table]>>;
  const accounts = await target.insert('accounts', all('accounts'));
  const users = await target.insert('users', all('users'));
  await target.continueNumbers('users', lastNumber(scratch, 'users'));
  await target.insert('user_policies', all('user_policies'));
  await target.insert('retrieval_policies', all('retrieval_policies'));
  await target.insert('capacity_units', all('capacity_units', `where expires_ms > ${nowMs}`));
  const keysLeftOut: string[] = [];
  // A user that is gone has no keys: only damage of the journal leaves one behind.
  const owned = all('access_keys', 'where user_no is null or user_no in (select no from users)');
  const opened = function* () {
    for (const key of owned) {
      if (canOpen(key.id, key.sealed_secret)) yield key;
      else keysLeftOut.push(key.id);
    }
  };
  const keys = await target.insert('access_keys', opened());
  await copySettings(scratch, target, keysLeftOut);
  return { accounts, users, keys, keysLeftOut };
}

/** The greatest number that a row of the table ever had. */
export function lastNumber(scratch: Scratch, table: 'vaults' | 'uploads' | 'users'): number {
  return Number(scratch.row('select seq from sqlite_sequence where name = ?', table)?.['seq'] ?? 0);
}

/** If the first key is left out, the next start makes another. */
async function copySettings(
  scratch: Scratch,
  target: RebuildTarget,
  leftOut: readonly string[],
): Promise<void> {
  const settings = new Map<string, string>();
  for (const { name, value } of scratch.rows('select name, value from settings'))
    settings.set(name as string, value as string);
  if (leftOut.includes(settings.get(FIRST_KEY_SETTING) ?? '')) settings.delete(FIRST_KEY_SETTING);
  if (leftOut.length > 0) settings.delete(WEAK_KEY_SETTING);
  settings.set(PEOPLE_JOURNALED_SETTING, 'true');
  await target.insert(
    'settings',
    [...settings].map(([name, value]) => ({ name, value })),
  );
}
