/** `key`: access keys of roots and users. */
import type { Command } from 'commander';
import type { Recorder } from '../app/command-audit.ts';
import type { CommandWorld } from '../app/command-world.ts';
import { makeKeyId, makeSecret } from '../app/make-key.ts';
import { markCredentials } from '../app/root-credentials.ts';
import { NotFound, SettingError } from '../config.ts';
import type { AccessKey, User } from '../domain/catalog.ts';
import { sealToken } from '../domain/session-token.ts';
import { addAction, type Given, recorded } from './action.ts';
import { accountOf, choicesOf, keyOf, keysOf, userOf } from './who.ts';

const HOUR_MS = 3_600_000;
const LONGEST_SESSION_MS = 36 * HOUR_MS;

export function addKeys(program: Command): void {
  const key = program
    .command('key')
    .description("access keys of users and, without --user, of an account's root");
  addAction(key.command('create'), 'make a key; its secret is shown once', [], recorded(createKey), ['user']);
  addAction(key.command('list'), "one JSON line for each key of the account, or of a user's", [], listKeys, [
    'user',
  ]);
  addAction(
    key.command('disable'),
    'stop a key from working, everywhere within a second or two',
    ['id'],
    recorded((world, given, record) => setStatus(world, given, record, 'disabled')),
    ['yes'],
  );
  addAction(
    key.command('enable'),
    'let a disabled key work again',
    ['id'],
    recorded((world, given, record) => setStatus(world, given, record, 'active')),
  );
  addAction(key.command('delete'), 'delete a key', ['id'], recorded(deleteKey), ['yes']);
  addAction(
    key.command('issue'),
    'temporary credentials; they die with their key or user',
    [],
    recorded(issueKey),
    ['user', 'for', 'key'],
  );
}

/** Makes a key of a user, or of the account's root without one. Its secret is in what it gives, and nowhere else. */
export async function makeKey(
  world: CommandWorld,
  record: Recorder,
  account: string,
  user?: User,
): Promise<Record<string, string>> {
  const id = makeKeyId('AKIA', world.random);
  const secret = makeSecret(world.random);
  const sealedSecret = world.box.seal(id, secret, world.random);
  const key = {
    id,
    account,
    sealedSecret,
    status: 'active',
    origin: 'command',
    userNo: user?.no ?? null,
  } as const;
  await world.catalog.putAccessKey({ ...key, nowMs: world.clock.now() });
  const parameters = { accountId: account, ...ownerOf(user?.name ?? null) };
  await record({ eventName: 'CreateAccessKey', account, parameters, elements: { accessKeyId: id } });
  return { accessKeyId: id, secretAccessKey: secret };
}

function ownerOf(user: string | null): Record<string, string> {
  return user === null ? {} : { userName: user };
}

async function createKey(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  return makeKey(world, record, await accountOf(world, given), user);
}

async function listKeys(world: CommandWorld, given: Given): Promise<unknown[]> {
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  const keys = await keysOf(world, await accountOf(world, given));
  return keys
    .filter(({ userNo }) => user === undefined || userNo === user.no)
    .map(({ id, user: owner, status, origin }) => ({ accessKeyId: id, user: owner, status, origin }));
}

async function setStatus(
  world: CommandWorld,
  given: Given,
  record: Recorder,
  status: AccessKey['status'],
): Promise<unknown> {
  const key = await keyOf(world, given);
  const { id, account, user } = key;
  if (status === 'disabled') await requireAnotherRootKey(world, given, key);
  await world.catalog.setKeyStatus({ id, status });
  const parameters = { accountId: account, ...ownerOf(user), accessKeyId: id, status };
  await record({ eventName: 'UpdateAccessKey', account, parameters });
  await markCredentials(world.folder, key, status === 'active' ? 'active' : 'disabled', world.clock.now());
  return status === 'active' ? { enabled: id } : { disabled: id };
}

async function deleteKey(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const key = await keyOf(world, given);
  const { id, account, user } = key;
  await requireAnotherRootKey(world, given, key);
  await world.catalog.deleteAccessKey({ id });
  const parameters = { accountId: account, ...ownerOf(user), accessKeyId: id };
  await record({ eventName: 'DeleteAccessKey', account, parameters });
  await markCredentials(world.folder, key, 'deleted', world.clock.now());
  return { deleted: id };
}

/** Without an enabled key no request can be signed as the root. @throws SettingError for its last one, unless --yes is given. */
async function requireAnotherRootKey({ catalog }: CommandWorld, given: Given, key: AccessKey): Promise<void> {
  if (key.userNo !== null || key.status !== 'active' || given['yes'] !== undefined) return;
  const keys = await catalog.listAccessKeys(key.account, null);
  if (keys.some(({ id, status }) => id !== key.id && status === 'active')) return;
  throw new SettingError(
    `${key.id} is the last enabled key of the root of account ${key.account}: make another with \`key create\` first, ` +
      'or give --yes',
  );
}

/** A session hangs on its user, or on a key of the root; with --key on that key as well. */
async function issueKey(world: CommandWorld, given: Given, record: Recorder): Promise<unknown> {
  const account = await accountOf(world, given);
  const user = given['user'] === undefined ? undefined : await userOf(world, given);
  const keys = await world.catalog.listAccessKeys(account, user?.no ?? null);
  const active = keys.filter(({ status }) => status === 'active');
  const wanted = given['key'];
  const parent =
    wanted === undefined ? (user ? undefined : active[0]) : active.find(({ id }) => id === wanted);
  if (!parent && (wanted !== undefined || !user)) {
    const owner = user ? `the user ${user.name}` : `the root of account ${account}`;
    const choices = choicesOf(
      `enabled keys of ${owner}`,
      active.map(({ id }) => id),
    );
    throw new NotFound(`there is no enabled key${wanted === undefined ? '' : ` ${wanted}`}; ${choices}`);
  }
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
  const expiration = new Date(claims.expiresMs).toISOString();
  const parameters = {
    accountId: account,
    ...ownerOf(user?.name ?? null),
    ...(parent ? { parentAccessKeyId: parent.id } : {}),
  };
  const elements = { accessKeyId: claims.accessKeyId, expiration };
  await record({ eventName: 'GetSessionToken', account, parameters, elements });
  return {
    accessKeyId: claims.accessKeyId,
    secretAccessKey: claims.secret,
    sessionToken: sealToken(world.box, claims, world.random),
    expiration,
  };
}

function sessionTime(text: string): number {
  const [, number, unit] = /^(\d{1,6})(s|m|h)$/.exec(text) ?? [];
  const ms = Number(number) * { s: 1000, m: 60_000, h: HOUR_MS }[(unit ?? 's') as 's' | 'm' | 'h'];
  if (ms > 0 && ms <= LONGEST_SESSION_MS) return ms;
  throw new SettingError(`--for ${text} must be a time such as 15m or 1h, up to 36h`);
}
