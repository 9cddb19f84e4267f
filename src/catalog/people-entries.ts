/** Entries of what was made before there were entries of its kind. */
import { sql } from 'kysely';
import type { OutboxWrites } from '../domain/outbox-catalog.ts';
import { JOURNALED_SETTINGS, PEOPLE_JOURNALED_SETTING } from '../domain/setting-catalog.ts';
import { accessKeyEntry } from './access-keys.ts';
import { appendEntry } from './journal.ts';
import { capacityEntry } from './retrieval.ts';
import { findSetting, setSetting, settingEntry } from './settings.ts';
import type { InTransaction, Tx } from './transaction.ts';
import { accountEntry, userEntry, userPolicyEntry } from './users.ts';

export const peopleEntryWrites: InTransaction<Pick<OutboxWrites, 'journalPeople'>> = { journalPeople };

async function journalPeople(tx: Tx): Promise<void> {
  if ((await findSetting(tx, PEOPLE_JOURNALED_SETTING)) === 'true') return;
  await setSetting(tx, { name: PEOPLE_JOURNALED_SETTING, value: 'true' });
  await appendPeople(tx);
}

/** Appends entries of all accounts, users, policies, keys, capacity units and settings, as they are now. */
export async function appendPeople(tx: Tx): Promise<void> {
  // Otherwise a change that commits meanwhile could be numbered before the entry that it outdates.
  if (tx.engine.rowLocks)
    await sql`lock table accounts, users, user_policies, access_keys, capacity_units, settings in share row exclusive mode`.execute(
      tx.db,
    );
  for (const entry of await entriesOfPeople(tx)) await appendEntry(tx, entry);
}

async function entriesOfPeople({ db }: Tx): Promise<Record<string, unknown>[]> {
  const accounts = await db.selectFrom('accounts').select(['id', 'created_ms as createdMs']).execute();
  const users = await db
    .selectFrom('users')
    .select(['no', 'account', 'name', 'user_id as userId', 'created_ms as createdMs'])
    .execute();
  const policies = await db.selectFrom('user_policies').selectAll().execute();
  const keys = await db
    .selectFrom('access_keys')
    .select(['id', 'account', 'sealed_secret as sealedSecret', 'status', 'origin', 'user_no as userNo'])
    .select('created_ms as createdMs')
    .execute();
  const units = await db
    .selectFrom('capacity_units')
    .select(['account', 'region', 'id', 'start_ms as startMs', 'expires_ms as expiresMs'])
    .execute();
  const settings = await db
    .selectFrom('settings')
    .selectAll()
    .where('name', 'in', [...JOURNALED_SETTINGS])
    .execute();
  return [
    ...accounts.map(accountEntry),
    ...settings.map(settingEntry),
    ...users.map(userEntry),
    ...policies.map(({ user_no, name, document }) => userPolicyEntry(user_no, name, document)),
    ...keys.map(accessKeyEntry),
    ...units.map((unit) => capacityEntry(unit, unit)),
  ];
}
