import type { Setting, SettingReads, SettingWrites } from '../domain/setting-catalog.ts';
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
  await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doNothing())
    .execute();
  return (await findSetting(tx, name)) ?? value;
}

async function setSetting(tx: Tx, { name, value }: Setting): Promise<void> {
  await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doUpdateSet({ value }))
    .execute();
}
