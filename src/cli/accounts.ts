/** `account`, `user` and `policy`: accounts, their users, and what users may do. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { AuditChange } from '../app/command-audit.ts';
import type { CommandDeps } from '../app/command-deps.ts';
import { makeAccountId, makeKeyId } from '../app/make-key.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import { parsePolicy } from '../domain/policy/policy.ts';
import type { User } from '../domain/user-catalog.ts';
import { addAction, type Given, journaled } from './action.ts';
import { choicesOf, findAccount, findUser } from './find.ts';
import { makeKey } from './keys.ts';

const USER_NAME = /^[\w+=,.@-]{1,64}$/;
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/;

export function addAccounts(program: Command): void {
  const account = program
    .command('account')
    .description('accounts, each with its own vaults, users and root');
  addAction(
    account.command('create'),
    'create an account and an access key for its root',
    [],
    journaled(createAccount),
  );
  addAction(account.command('list'), 'list account ids, one per line', [], ({ catalog }) =>
    catalog.listAccounts(),
  );
}

export function addUsers(program: Command): void {
  const user = program
    .command('user')
    .description('users of an account; a user without a policy may do nothing');
  addAction(user.command('create'), 'create a user', ['name'], journaled(createUser));
  addAction(user.command('list'), 'list users, one JSON line each', [], listUsers);
  addAction(
    user.command('delete'),
    'delete a user with its keys and policies',
    ['name'],
    journaled(deleteUser),
  );
}

export function addPolicies(program: Command): void {
  const policy = program.command('policy').description('identity policies of users, in the JSON of IAM');
  addAction(
    policy.command('put'),
    'attach a policy to a user, or replace the one with this name',
    ['name', 'file'],
    journaled(putPolicy),
    ['user'],
  );
  addAction(policy.command('list'), "list a user's policies, one JSON line each", [], listPolicies, ['user']);
  addAction(policy.command('delete'), 'delete a policy of a user', ['name'], journaled(deletePolicy), [
    'user',
  ]);
}

async function createAccount(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const id = given['account-id'] ?? makeAccountId(deps.random);
  if ((await deps.catalog.listAccounts()).includes(id))
    throw new SettingError(`account ${id} already exists`);
  await deps.catalog.createAccount({ id, nowMs: deps.clock.now() });
  await auditChange({ eventName: 'CreateAccount', account: id, parameters: { accountId: id } });
  return { account: id, ...(await makeKey(deps, auditChange, id)) };
}

async function createUser(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const name = given['name'] ?? '';
  if (!USER_NAME.test(name))
    throw new SettingError(
      `a user name must be 1 to 64 letters, digits and _+=,.@-, not ${JSON.stringify(name)}`,
    );
  const account = await findAccount(deps, given);
  const userId = makeKeyId('AIDA', deps.random);
  const made = await deps.catalog.createUser({ account, name, userId, createdMs: deps.clock.now() });
  const parameters = { accountId: account, userName: name };
  await auditChange({ eventName: 'CreateUser', account, parameters, elements: { userId } });
  return describeUser(made);
}

function describeUser({ account, name, userId, createdMs }: User): Record<string, string> {
  const arn = `arn:aws:iam::${account}:user/${name}`;
  return { account, name, arn, userId, created: new Date(createdMs).toISOString() };
}

async function listUsers(deps: CommandDeps, given: Given): Promise<unknown[]> {
  return (await deps.catalog.listUsers(await findAccount(deps, given))).map(describeUser);
}

async function deleteUser(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const { no, name, account, userId } = await findUser(deps, given, given['name']);
  const keys = await deps.catalog.listAccessKeys(account, no);
  await deps.catalog.deleteUser({ userNo: no });
  const parameters = { accountId: account, userName: name };
  const elements = { userId, deletedAccessKeyIds: keys.map(({ id }) => id) };
  await auditChange({ eventName: 'DeleteUser', account, parameters, elements });
  return { deleted: name };
}

async function putPolicy(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const { no: userNo, name: userName, account } = await findUser(deps, given);
  const [name = '', file = ''] = [given['name'], given['file']];
  if (!POLICY_NAME.test(name))
    throw new SettingError(
      `a policy name must be 1 to 128 letters, digits and _+=,.@-, not ${JSON.stringify(name)}`,
    );
  const document = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`cannot read the policy: ${error.message}`);
  });
  parsePolicy(document, 'identity');
  await deps.catalog.putUserPolicy({ userNo, name, document });
  const parameters = { accountId: account, userName, policyName: name, policyDocument: document };
  await auditChange({ eventName: 'PutUserPolicy', account, parameters });
  return { user: userName, policy: name };
}

async function listPolicies(deps: CommandDeps, given: Given): Promise<unknown[]> {
  const policies = await deps.catalog.userPolicies((await findUser(deps, given)).no);
  return policies.map(({ name, document }) => ({ name, document: JSON.parse(document) }));
}

async function deletePolicy(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const { no: userNo, name: userName, account } = await findUser(deps, given);
  const name = given['name'] ?? '';
  if (!(await deps.catalog.deleteUserPolicy({ userNo, name }))) {
    const names = (await deps.catalog.userPolicies(userNo)).map((policy) => policy.name);
    throw new NotFoundError(`the user ${userName} has no policy ${name}; ${choicesOf('policies', names)}`);
  }
  const parameters = { accountId: account, userName, policyName: name };
  await auditChange({ eventName: 'DeleteUserPolicy', account, parameters });
  return { deleted: name };
}
