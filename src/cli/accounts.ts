/** `account`, `user`, `key` and `policy`: who there is, and what they may do. */
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { CommandWorld } from '../app/command-world.ts';
import { makeAccountId, makeKeyId, makeSecret } from '../app/make-key.ts';
import { SettingError } from '../config.ts';
import type { User } from '../domain/catalog.ts';
import { parsePolicy } from '../domain/policy/policy.ts';
import { sealToken } from '../domain/session-token.ts';
import { addAction } from './action.ts';

const USER_NAME = /^[\w+=,.@-]{1,64}$/;
const HOUR_MS = 3_600_000;
const LONGEST_SESSION_MS = 36 * HOUR_MS;

export function addAccounts(program: Command): void {
  const account = program
    .command('account')
    .description('accounts: each has vaults, users and a root of its own');
  addAction(account.command('create'), 'make an account and a first key of its root', [], createAccount);
  addAction(account.command('list'), 'account ids, one a line', [], ({ catalog }) => catalog.listAccounts());
}

export function addUsers(program: Command): void {
  const user = program
    .command('user')
    .description('users of an account; without a policy a user may do nothing');
  addAction(user.command('create'), 'make a user', ['name'], createUser);
  addAction(user.command('list'), 'one JSON line for each user', [], listUsers);
  addAction(user.command('delete'), 'delete a user, its keys and policies', ['name'], deleteUser);
}

export function addKeys(program: Command): void {
  const key = program.command('key').description("access keys; without --user, of the account's root");
  addAction(key.command('create'), 'make a key; its secret is shown once', [], createKey, ['user']);
  addAction(key.command('list'), 'one JSON line for each key', [], listKeys, ['user']);
  addAction(
    key.command('disable'),
    'stop a key from working, everywhere within a second or two',
    ['id'],
    disableKey,
  );
  addAction(key.command('delete'), 'delete a key', ['id'], deleteKey);
  addAction(key.command('issue'), 'temporary credentials; they die with their key or user', [], issueKey, [
    'user',
    'for',
    'key',
  ]);
}

export function addPolicies(program: Command): void {
  const policy = program.command('policy').description("identity policies in IAM's JSON, attached to users");
  addAction(
    policy.command('put'),
    'attach a policy, or replace the one of this name',
    ['name', 'file'],
    putPolicy,
    ['user'],
  );
  addAction(policy.command('list'), "a user's policies, one JSON line each", [], listPolicies, ['user']);
  addAction(policy.command('delete'), 'take a policy away', ['name'], deletePolicy, ['user']);
}

/** What a command was given: arguments by name and options. */
type Given = Readonly<Record<string, string | undefined>>;

/** The account meant: the one named by --account-id, or the only one there is. */
async function accountOf({ catalog }: CommandWorld, given: Given): Promise<string> {
  const accounts = await catalog.listAccounts();
  const wanted = given['account-id'] ?? (accounts.length === 1 ? accounts[0] : undefined);
  if (wanted === undefined)
    throw new SettingError(`there are several accounts: give --account-id (${accounts.join(', ')})`);
  if (!accounts.includes(wanted)) throw new SettingError(`there is no account ${wanted}`);
  return wanted;
}

async function userOf(world: CommandWorld, given: Given, name = given['user']): Promise<User> {
  if (name === undefined) throw new SettingError('--user NAME is missing');
  const account = await accountOf(world, given);
  const user = await world.catalog.findUser(account, name);
  if (!user) throw new SettingError(`there is no user ${name} in the account ${account}`);
  return user;
}

async function createAccount(world: CommandWorld, given: Given): Promise<unknown> {
  const id = given['account-id'] ?? makeAccountId(world.random);
  if ((await world.catalog.listAccounts()).includes(id))
    throw new SettingError(`there is an account ${id} already`);
  await world.catalog.createAccount({ id, nowMs: world.clock.now() });
  return { account: id, ...(await makeKey(world, id, null)) };
}

async function createUser(world: CommandWorld, given: Given): Promise<unknown> {
  const name = given['name'] ?? '';
  if (!USER_NAME.test(name))
    throw new SettingError(`not a user name: ${name} (1 to 64 letters, digits and _+=,.@-)`);
  const account = await accountOf(world, given);
  const userId = makeKeyId('AIDA', world.random);
  return describeUser(
    await world.catalog.createUser({ account, name, userId, createdMs: world.clock.now() }),
  );
}

function describeUser({ account, name, userId, createdMs }: User): Record<string, string> {
  const arn = `arn:aws:iam::${account}:user/${name}`;
  return { account, name, arn, userId, created: new Date(createdMs).toISOString() };
}

async function listUsers(world: CommandWorld, given: Given): Promise<unknown[]> {
  return (await world.catalog.listUsers(await accountOf(world, given))).map(describeUser);
}

async function deleteUser(world: CommandWorld, given: Given): Promise<unknown> {
  const { no, name } = await userOf(world, given, given['name']);
  await world.catalog.deleteUser({ userNo: no });
  return { deleted: name };
}

async function makeKey(
  world: CommandWorld,
  account: string,
  userNo: number | null,
): Promise<Record<string, string>> {
  const id = makeKeyId('AKIA', world.random);
  const secret = makeSecret(world.random);
  const sealedSecret = world.box.seal(id, secret, world.random);
  const key = { id, account, sealedSecret, status: 'active', origin: 'command', userNo } as const;
  await world.catalog.putAccessKey({ ...key, nowMs: world.clock.now() });
  return { accessKeyId: id, secretAccessKey: secret };
}

async function createKey(world: CommandWorld, given: Given): Promise<unknown> {
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  return makeKey(world, await accountOf(world, given), user?.no ?? null);
}

async function listKeys(world: CommandWorld, given: Given): Promise<unknown[]> {
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  const keys = await world.catalog.listAccessKeys(await accountOf(world, given), user?.no ?? null);
  return keys.map(({ id, status, origin }) => ({ accessKeyId: id, status, origin }));
}

async function disableKey({ catalog }: CommandWorld, given: Given): Promise<unknown> {
  const id = given['id'] ?? '';
  if (!(await catalog.setKeyStatus({ id, status: 'disabled' })))
    throw new SettingError(`there is no key ${id}`);
  return { disabled: id };
}

async function deleteKey({ catalog }: CommandWorld, given: Given): Promise<unknown> {
  const id = given['id'] ?? '';
  if (!(await catalog.deleteAccessKey({ id }))) throw new SettingError(`there is no key ${id}`);
  return { deleted: id };
}

/** A session hangs on its user, or on a key of the root; with --key on that key as well. */
async function issueKey(world: CommandWorld, given: Given): Promise<unknown> {
  const account = await accountOf(world, given);
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  const keys = await world.catalog.listAccessKeys(account, user?.no ?? null);
  const active = keys.filter(({ status }) => status === 'active');
  const wanted = given['key'];
  const parent =
    wanted === undefined ? (user ? undefined : active[0]) : active.find(({ id }) => id === wanted);
  if (!parent && (wanted !== undefined || !user))
    throw new SettingError(`there is no active key ${wanted ?? 'of the root'}`);
  const issuedMs = world.clock.now();
  const claims = {
    accessKeyId: makeKeyId('ASIA', world.random),
    secret: makeSecret(world.random),
    account,
    userNo: user?.no ?? null,
    parentKeyId: parent?.id ?? null,
    issuedMs,
    expiresMs: issuedMs + sessionTime(given['for'] ?? '1h'),
  };
  return {
    accessKeyId: claims.accessKeyId,
    secretAccessKey: claims.secret,
    sessionToken: sealToken(world.box, claims, world.random),
    expiration: new Date(claims.expiresMs).toISOString(),
  };
}

function sessionTime(text: string): number {
  const [, number, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * { s: 1000, m: 60_000, h: HOUR_MS }[(unit ?? 's') as 's' | 'm' | 'h'];
  if (ms > 0 && ms <= LONGEST_SESSION_MS) return ms;
  throw new SettingError(`--for ${text} must be a time such as 15m or 1h, up to 36h`);
}

async function putPolicy(world: CommandWorld, given: Given): Promise<unknown> {
  const user = await userOf(world, given);
  const [name = '', file = ''] = [given['name'], given['file']];
  const document = await readFile(file, 'utf8').catch((error: Error) => {
    throw new SettingError(`the policy cannot be read: ${error.message}`);
  });
  parsePolicy(document, 'identity');
  await world.catalog.putUserPolicy({ userNo: user.no, name, document });
  return { user: user.name, policy: name };
}

async function listPolicies(world: CommandWorld, given: Given): Promise<unknown[]> {
  const policies = await world.catalog.userPolicies((await userOf(world, given)).no);
  return policies.map(({ name, document }) => ({ name, document: JSON.parse(document) }));
}

async function deletePolicy(world: CommandWorld, given: Given): Promise<unknown> {
  const user = await userOf(world, given);
  const name = given['name'] ?? '';
  if (!(await world.catalog.deleteUserPolicy({ userNo: user.no, name }))) {
    throw new SettingError(`the user ${user.name} has no policy ${name}`);
  }
  return { deleted: name };
}
