/** Entries of what was made before there were entries of its kind. */
import type { OutboxWrites } from '../domain/outbox-catalog.ts';
import { JOURNALED_SETTINGS, PEOPLE_JOURNALED_SETTING } from '../domain/setting-catalog.ts';
import { accessKeyEntry } from './access-keys.ts';
import { appendEntry } from './journal.ts';
import { capacityEntry } from './retrieval.ts';
import { settingEntry } from './settings.ts';
import type { InTransaction, Tx } from './transaction.ts';
import { accountEntry, userEntry, userPolicyEntry } from './users.ts';

export const peopleEntryWrites: InTransaction<Pick<OutboxWrites, 'journalPeople'>> = { journalPeople };

async function journalPeople(tx: Tx): Promise<void> {
  const first = await tx.db
    .insertInto('settings')
    .values({ name: PEOPLE_JOURNALED_SETTING, value: 'true' })
    .onConflict((c) => c.column('name').doNothing())
    .returning('name')
    .executeTakeFirst();
  if (!first) return;
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
