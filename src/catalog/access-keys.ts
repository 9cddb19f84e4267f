import type {
  AccessKey,
  AccessKeyReads,
  AccessKeyWrites,
  DeleteAccessKeyArgs,
  DropAccessKeysArgs,
  PutAccessKeyArgs,
  SetKeyStatusArgs,
} from '../domain/access-key-catalog.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

export function accessKeyReads(source: Source): AccessKeyReads {
  return {
    findAccessKey: (id) => findAccessKey(source, id),
    listAccessKeys: (account, userNo) => listAccessKeys(source, account, userNo),
  };
}

export const accessKeyWrites: InTransaction<AccessKeyWrites> = {
  putAccessKey,
  setKeyStatus,
  deleteAccessKey,
  dropAccessKeys,
};

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

async function setKeyStatus(tx: Tx, { id, status }: SetKeyStatusArgs): Promise<boolean> {
  const key = await tx.db
    .updateTable('access_keys')
    .set({ status })
    .where('id', '=', id)
    .returning([...COLUMNS, 'created_ms as createdMs'])
    .executeTakeFirst();
  if (key) await appendEntry(tx, accessKeyEntry(key));
  return key !== undefined;
}

/** The entry of an access key as it is now. */
export function accessKeyEntry({
  id: accessKeyId,
  account,
  userNo: userNumber,
  sealedSecret,
  status,
  origin,
  createdMs: at,
}: AccessKey & { readonly createdMs: number }) {
  return { type: 'access-key', account, accessKeyId, userNumber, sealedSecret, status, origin, at };
}

function deletionEntry({ id: accessKeyId, account }: Pick<AccessKey, 'id' | 'account'>) {
  return { type: 'access-key-deleted', account, accessKeyId };
}

async function deleteAccessKey(tx: Tx, { id }: DeleteAccessKeyArgs): Promise<boolean> {
  const gone = await tx.db
    .deleteFrom('access_keys')
    .where('id', '=', id)
    .returning(['id', 'account'])
    .executeTakeFirst();
  if (gone) await appendEntry(tx, deletionEntry(gone));
  return gone !== undefined;
}

async function findAccessKey({ db }: Source, id: string): Promise<AccessKey | undefined> {
  return db.selectFrom('access_keys').select(COLUMNS).where('id', '=', id).executeTakeFirst();
}

async function putAccessKey(tx: Tx, a: PutAccessKeyArgs): Promise<void> {
  const { id, account, sealedSecret: sealed_secret, status, origin, userNo: user_no, nowMs } = a;
  const key = await tx.db
    .insertInto('access_keys')
    .values({ id, account, sealed_secret, status, origin, user_no, created_ms: nowMs })
    .onConflict((c) => c.column('id').doUpdateSet({ account, sealed_secret, status, origin, user_no }))
    .returning([...COLUMNS, 'created_ms as createdMs'])
    .executeTakeFirstOrThrow();
  await appendEntry(tx, accessKeyEntry(key));
}

async function dropAccessKeys(tx: Tx, { account, origin, keepId }: DropAccessKeysArgs): Promise<void> {
  const gone = await tx.db
    .deleteFrom('access_keys')
    .where('account', '=', account)
    .where('origin', '=', origin)
    .where('id', '!=', keepId)
    .returning(['id', 'account'])
    .execute();
  for (const key of gone) await appendEntry(tx, deletionEntry(key));
}
