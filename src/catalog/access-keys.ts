import type { AccessKey, CatalogReads, CatalogWrites } from '../domain/catalog.ts';
import type { Source, Tx } from './transaction.ts';

export function accessKeyReads(
  source: Source,
): Pick<CatalogReads, 'findAccessKey' | 'findSetting' | 'listSettings' | 'listAccessKeys'> {
  return {
    findAccessKey: (id) => findAccessKey(source, id),
    findSetting: (name) => findSetting(source, name),
    listSettings: (prefix) => listSettings(source, prefix),
    listAccessKeys: (account, userNo) => listAccessKeys(source, account, userNo),
  };
}

const COLUMNS = [
  'id',
  'account',
  'sealed_secret as sealedSecret',
  'status',
  'origin',
  'user_no as userNo',
] as const;

async function listAccessKeys(
  { db }: Source,
  account: string,
  userNo: number | null,
): Promise<readonly AccessKey[]> {
  return db
    .selectFrom('access_keys')
    .select(COLUMNS)
    .where('account', '=', account)
    .where('user_no', userNo === null ? 'is' : '=', userNo)
    .orderBy('id')
    .execute();
}

export async function setKeyStatus(
  tx: Tx,
  { id, status }: Parameters<CatalogWrites['setKeyStatus']>[0],
): Promise<boolean> {
  const { numUpdatedRows } = await tx.db
    .updateTable('access_keys')
    .set({ status })
    .where('id', '=', id)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

export async function deleteAccessKey(
  tx: Tx,
  { id }: Parameters<CatalogWrites['deleteAccessKey']>[0],
): Promise<boolean> {
  const { numDeletedRows } = await tx.db.deleteFrom('access_keys').where('id', '=', id).executeTakeFirst();
  return numDeletedRows > 0n;
}

async function findAccessKey({ db }: Source, id: string): Promise<AccessKey | undefined> {
  return db.selectFrom('access_keys').select(COLUMNS).where('id', '=', id).executeTakeFirst();
}

export async function putAccessKey(tx: Tx, a: Parameters<CatalogWrites['putAccessKey']>[0]): Promise<void> {
  const { id, account, sealedSecret: sealed_secret, status, origin, userNo: user_no, nowMs } = a;
  await tx.db
    .insertInto('access_keys')
    .values({ id, account, sealed_secret, status, origin, user_no, created_ms: nowMs })
    .onConflict((c) => c.column('id').doUpdateSet({ account, sealed_secret, status, origin, user_no }))
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

async function listSettings(
  { db }: Source,
  prefix: string,
): Promise<readonly { readonly name: string; readonly value: string }[]> {
  return (
    db
      .selectFrom('settings')
      .select(['name', 'value'])
      .where('name', '>=', prefix)
      // DEL: after every character that a name has.
      .where('name', '<', `${prefix}\x7f`)
      .orderBy('name')
      .execute()
  );
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
