import { invalidParameter } from '../domain/errors.ts';
import type {
  CreateAccountArgs,
  DeleteUserArgs,
  DeleteUserPolicyArgs,
  NewUser,
  PutUserPolicyArgs,
  User,
  UserPolicy,
  UserReads,
  UserWrites,
} from '../domain/user-catalog.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';

const COLUMNS = ['no', 'account', 'name', 'user_id as userId', 'created_ms as createdMs'] as const;

export function userReads({ db }: Source): UserReads {
  const users = () => db.selectFrom('users').select(COLUMNS);
  return {
    async listAccounts() {
      const rows = await db.selectFrom('accounts').select('id').orderBy('id').execute();
      return rows.map(({ id }) => id);
    },
    findUser: (account, name) =>
      users().where('account', '=', account).where('name', '=', name).executeTakeFirst(),
    userByNo: (no) => users().where('no', '=', no).executeTakeFirst(),
    listUsers: (account) => users().where('account', '=', account).orderBy('name').execute(),
    userPolicies: (userNo): Promise<UserPolicy[]> =>
      db
        .selectFrom('user_policies')
        .select(['name', 'document'])
        .where('user_no', '=', userNo)
        .orderBy('name')
        .execute(),
  };
}

export const userWrites: InTransaction<UserWrites> = {
  createAccount,
  createUser,
  deleteUser,
  putUserPolicy,
  deleteUserPolicy,
};

async function createAccount(tx: Tx, { id, nowMs }: CreateAccountArgs): Promise<void> {
  const made = await tx.db
    .insertInto('accounts')
    .values({ id, created_ms: nowMs })
    .onConflict((c) => c.column('id').doNothing())
    .returning('id')
    .executeTakeFirst();
  if (made) await appendEntry(tx, accountEntry({ id, createdMs: nowMs }));
}

/** The entry of an account. */
export function accountEntry({ id, createdMs }: { readonly id: string; readonly createdMs: number }) {
  return { type: 'account-created', account: id, at: createdMs };
}

/** The entry of a user. Session tokens name a user by its number, so a rebuilt catalog must have the same. */
export function userEntry({ account, no: userNumber, name: userName, userId, createdMs: at }: User) {
  return { type: 'user-created', account, userNumber, userName, userId, at };
}

/** The entry of a user's policy. @param document null: it is gone. */
export function userPolicyEntry(userNumber: number, policyName: string, document: string | null) {
  return { type: 'user-policy', userNumber, policyName, document };
}

async function createUser(tx: Tx, user: NewUser): Promise<User> {
  const { account, name, userId, createdMs } = user;
  const made = await tx.db
    .insertInto('users')
    .values({ account, name, user_id: userId, created_ms: createdMs })
    .onConflict((c) => c.columns(['account', 'name']).doNothing())
    .returning(COLUMNS)
    .executeTakeFirst();
  if (!made) throw invalidParameter(`There is a user ${name} in the account ${account} already`);
  await appendEntry(tx, userEntry(made));
  return made;
}

async function deleteUser(tx: Tx, { userNo }: DeleteUserArgs): Promise<void> {
  await tx.db.deleteFrom('access_keys').where('user_no', '=', userNo).execute();
  await tx.db.deleteFrom('user_policies').where('user_no', '=', userNo).execute();
  const gone = await tx.db.deleteFrom('users').where('no', '=', userNo).returning('no').executeTakeFirst();
  if (gone) await appendEntry(tx, { type: 'user-deleted', userNumber: userNo });
}

async function putUserPolicy(tx: Tx, { userNo, name, document }: PutUserPolicyArgs): Promise<void> {
  await tx.db
    .insertInto('user_policies')
    .values({ user_no: userNo, name, document })
    .onConflict((c) => c.columns(['user_no', 'name']).doUpdateSet({ document }))
    .execute();
  await appendEntry(tx, userPolicyEntry(userNo, name, document));
}

async function deleteUserPolicy(tx: Tx, { userNo, name }: DeleteUserPolicyArgs): Promise<boolean> {
  const { numDeletedRows } = await tx.db
    .deleteFrom('user_policies')
    .where('user_no', '=', userNo)
    .where('name', '=', name)
    .executeTakeFirst();
  if (numDeletedRows > 0n) await appendEntry(tx, userPolicyEntry(userNo, name, null));
  return numDeletedRows > 0n;
}
