import {
  JOURNALED_SETTINGS,
  type Setting,
  type SettingReads,
  type SettingWrites,
} from '../domain/setting-catalog.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function settingReads(source: Source): SettingReads {
  return {
    findSetting: (name) => findSetting(source, name),
    listSettings: (prefix) => listSettings(source, prefix),
  };
}

export const settingWrites: InTransaction<SettingWrites> = { initSetting, setSetting };

async function findSetting({ db }: Source, name: string): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
}

async function listSettings({ db }: Source, prefix: string): Promise<readonly Setting[]> {
  return (
    db
      .selectFrom('settings')
      .select(['name', 'value'])
      .where('name', '>=', prefix)
      // DEL sorts after every character of a name.
      .where('name', '<', `${prefix}\x7f`)
      .orderBy('name')
      .execute()
  );
}

async function initSetting(tx: Tx, { name, value }: Setting): Promise<string> {
  const set = await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doNothing())
    .returning('name')
    .executeTakeFirst();
  if (set && JOURNALED_SETTINGS.has(name)) await appendEntry(tx, settingEntry({ name, value }));
  return (await findSetting(tx, name)) ?? value;
}

async function setSetting(tx: Tx, { name, value }: Setting): Promise<void> {
  await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doUpdateSet({ value }))
    .execute();
  if (JOURNALED_SETTINGS.has(name)) await appendEntry(tx, settingEntry({ name, value }));
}

/** The entry of a setting. */
export function settingEntry({ name, value }: Setting) {
  return { type: 'setting', name, value };
}
