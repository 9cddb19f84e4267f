/** `account`, `user` and `policy`: who there is, and what they may do. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { Recorder } from '../app/command-audit.ts';
import type { CommandWorld } from '../app/command-world.ts';
import { makeAccountId, makeKeyId } from '../app/make-key.ts';
import { NotFound, SettingError } from '../config.ts';
import type { User } from '../domain/catalog.ts';
import { parsePolicy } from '../domain/policy/policy.ts';
import { addAction, type Given, recorded } from './action.ts';
import { makeKey } from './keys.ts';
import { accountOf, choicesOf, userOf } from './who.ts';

const USER_NAME = /^[\w+=,.@-]{1,64}$/;
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/;

export function addAccounts(program: Command): void {
  const account = program
    .command('account')
    .description('accounts: each has vaults, users and a root of its own');
  addAction(
    account.command('create'),
    'make an account and a first key of its root',
    [],
    recorded(createAccount),
  );
  addAction(account.command('list'), 'account ids, one a line', [], ({ catalog }) => catalog.listAccounts());
}

export function addUsers(program: Command): void {
  const user = program
    .command('user')
    .description('users of an account; without a policy a user may do nothing');
  addAction(user.command('create'), 'make a user', ['name'], recorded(createUser));
  addAction(user.command('list'), 'one JSON line for each user', [], listUsers);
  addAction(user.command('delete'), 'delete a user, its keys and policies', ['name'], recorded(deleteUser));
}

export function addPolicies(program: Command): void {
  const policy = program.command('policy').description("identity policies in IAM's JSON, attached to users");
  addAction(
    policy.command('put'),
    'attach a policy, or replace the one of this name',
    ['name', 'file'],
    recorded(putPolicy),
    ['user'],
  );
  addAction(policy.command('list'), "a user's policies, one JSON line each", [], listPolicies, ['user']);
  addAction(policy.command('delete'), 'take a policy away', ['name'], recorded(deletePolicy), ['user']);
}

async function createAccount(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const id = given['account-id'] ?? makeAccountId(world.random);
  if ((await world.catalog.listAccounts()).includes(id))
    throw new SettingError(`there is an account ${id} already`);
  await world.catalog.createAccount({ id, nowMs: world.clock.now() });
  await record({ eventName: 'CreateAccount', account: id, parameters: { accountId: id } });
  return { account: id, ...(await makeKey(world, record, id)) };
}

async function createUser(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const name = given['name'] ?? '';
  if (!USER_NAME.test(name))
    throw new SettingError(`${name} cannot be a user name: it must be 1 to 64 letters, digits and _+=,.@-`);
  const account = await accountOf(world, given);
  const userId = makeKeyId('AIDA', world.random);
  const made = await world.catalog.createUser({ account, name, userId, createdMs: world.clock.now() });
  const parameters = { accountId: account, userName: name };
  await record({ eventName: 'CreateUser', account, parameters, elements: { userId } });
  return describeUser(made);
}

function describeUser({ account, name, userId, createdMs }: User): Record<string, string> {
  const arn = `arn:aws:iam::${account}:user/${name}`;
  return { account, name, arn, userId, created: new Date(createdMs).toISOString() };
}

async function listUsers(world: CommandWorld, given: Given): Promise<unknown[]> {
  return (await world.catalog.listUsers(await accountOf(world, given))).map(describeUser);
}

async function deleteUser(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const { no, name, account, userId } = await userOf(world, given, given['name']);
  const keys = await world.catalog.listAccessKeys(account, no);
  await world.catalog.deleteUser({ userNo: no });
  const parameters = { accountId: account, userName: name };
  const elements = { userId, deletedAccessKeyIds: keys.map(({ id }) => id) };
  await record({ eventName: 'DeleteUser', account, parameters, elements });
  return { deleted: name };
}

async function putPolicy(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const { no: userNo, name: userName, account } = await userOf(world, given);
  const [name = '', file = ''] = [given['name'], given['file']];
  if (!POLICY_NAME.test(name))
    throw new SettingError(
      `${name} cannot be a policy name: it must be 1 to 128 letters, digits and _+=,.@-`,
    );
  const document = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`the policy cannot be read: ${error.message}`);
  });
  parsePolicy(document, 'identity');
  await world.catalog.putUserPolicy({ userNo, name, document });
  const parameters = { accountId: account, userName, policyName: name, policyDocument: document };
  await record({ eventName: 'PutUserPolicy', account, parameters });
  return { user: userName, policy: name };
}

async function listPolicies(world: CommandWorld, given: Given): Promise<unknown[]> {
  const policies = await world.catalog.userPolicies((await userOf(world, given)).no);
  return policies.map(({ name, document }) => ({ name, document: JSON.parse(document) }));
}

async function deletePolicy(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const { no: userNo, name: userName, account } = await userOf(world, given);
  const name = given['name'] ?? '';
  if (!(await world.catalog.deleteUserPolicy({ userNo, name }))) {
    const names = (await world.catalog.userPolicies(userNo)).map((policy) => policy.name);
    throw new NotFound(`the user ${userName} has no policy ${name}; ${choicesOf('policies', names)}`);
  }
  const parameters = { accountId: account, userName, policyName: name };
  await record({ eventName: 'DeleteUserPolicy', account, parameters });
  return { deleted: name };
}
