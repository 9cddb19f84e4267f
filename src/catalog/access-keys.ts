import type { AccessKey, CatalogReads, CatalogWrites } from '../domain/catalog.ts';
import type { Source, Tx } from './transaction.ts';

export function accessKeyReads(source: Source): Pick<CatalogReads, 'findAccessKey' | 'findSetting'> {
  return {
    findAccessKey: (id) => findAccessKey(source, id),
    findSetting: (name) => findSetting(source, name),
  };
}

async function findAccessKey({ db }: Source, id: string): Promise<AccessKey | undefined> {
  return db
    .selectFrom('access_keys')
    .select(['id', 'account', 'sealed_secret as sealedSecret', 'status', 'origin'])
    .where('id', '=', id)
    .executeTakeFirst();
}

export async function putAccessKey(tx: Tx, a: Parameters<CatalogWrites['putAccessKey']>[0]): Promise<void> {
  const { id, account, sealedSecret: sealed_secret, status, origin, nowMs } = a;
  await tx.db
    .insertInto('access_keys')
    .values({ id, account, sealed_secret, status, origin, created_ms: nowMs })
    .onConflict((c) => c.column('id').doUpdateSet({ account, sealed_secret, status, origin }))
    .execute();
}

export async function dropAccessKeys(
  tx: Tx,
  { account, origin, keepId }: Parameters<CatalogWrites['dropAccessKeys']>[0],
): Promise<void> {
  await tx.db
    .deleteFrom('access_keys')
    .where('account', '=', account)
    .where('origin', '=', origin)
    .where('id', '!=', keepId)
    .execute();
}

async function findSetting({ db }: Source, name: string): Promise<string | undefined> {
  const row = await db.selectFrom('settings').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
}

export async function initSetting(
  tx: Tx,
  { name, value }: Parameters<CatalogWrites['initSetting']>[0],
): Promise<string> {
  await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doNothing())
    .execute();
  return (await findSetting(tx, name)) ?? value;
}

export async function setSetting(
  tx: Tx,
  { name, value }: Parameters<CatalogWrites['setSetting']>[0],
): Promise<void> {
  await tx.db
    .insertInto('settings')
    .values({ name, value })
    .onConflict((c) => c.column('name').doUpdateSet({ value }))
    .execute();
}
