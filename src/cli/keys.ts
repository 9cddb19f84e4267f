/** `key`: access keys of roots and users. */
import type { Command } from 'commander';
import type { AuditChange } from '../app/command-audit.ts';
import type { CommandDeps } from '../app/command-deps.ts';
import { makeKeyId, makeSecret } from '../app/make-key.ts';
import { markCredentials } from '../app/root-credentials.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import type { AccessKey } from '../domain/access-key-catalog.ts';
import { parseDuration } from '../domain/duration.ts';
import { sealToken } from '../domain/session-token.ts';
import type { User } from '../domain/user-catalog.ts';
import { addAction, type Given, journaled } from './action.ts';
import { choicesOf, findAccount, findKey, findUser, listOwnedKeys } from './find.ts';

const LONGEST_SESSION_MS = 36 * 3_600_000;

export function addKeys(program: Command): void {
  const key = program
    .command('key')
    .description("access keys: a user's with --user, else those of the account's root");
  addAction(
    key.command('create'),
    'create a key and print its secret, which is not shown again',
    [],
    journaled(createKey),
    ['user'],
  );
  addAction(
    key.command('list'),
    'list the keys of the account, or of one user, one JSON line each',
    [],
    listKeys,
    ['user'],
  );
  addAction(
    key.command('disable'),
    'disable a key; it stops working everywhere within two seconds',
    ['id'],
    journaled((deps, given, auditChange) => setStatus(deps, given, auditChange, 'disabled')),
    ['yes'],
  );
  addAction(
    key.command('enable'),
    'enable a disabled key again',
    ['id'],
    journaled((deps, given, auditChange) => setStatus(deps, given, auditChange, 'active')),
  );
  addAction(key.command('delete'), 'delete a key', ['id'], journaled(deleteKey), ['yes']);
  addAction(
    key.command('issue'),
    'issue temporary credentials; they stop working when their key or user does',
    [],
    journaled(issueKey),
    ['user', 'for', 'key'],
  );
}

/** Creates a key of `user`, or of the account's root, and audits it. @returns id and secret; nothing else shows the secret. */
export async function makeKey(
  deps: CommandDeps,
  auditChange: AuditChange,
  account: string,
  user?: User,
): Promise<Record<string, string>> {
  const id = makeKeyId('AKIA', deps.random);
  const secret = makeSecret(deps.random);
  const sealedSecret = deps.box.seal(id, secret, deps.random);
  const key = {
    id,
    account,
    sealedSecret,
    status: 'active',
    origin: 'command',
    userNo: user?.no ?? null,
  } as const;
  await deps.catalog.putAccessKey({ ...key, nowMs: deps.clock.now() });
  const parameters = { accountId: account, ...ownerOf(user?.name ?? null) };
  await auditChange({ eventName: 'CreateAccessKey', account, parameters, elements: { accessKeyId: id } });
  return { accessKeyId: id, secretAccessKey: secret };
}

function ownerOf(user: string | null): Record<string, string> {
  return user === null ? {} : { userName: user };
}

async function createKey(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const user = given['user'] === undefined ? undefined : await findUser(deps, given);
  return makeKey(deps, auditChange, await findAccount(deps, given), user);
}

async function listKeys(deps: CommandDeps, given: Given): Promise<unknown[]> {
  const user = given['user'] === undefined ? undefined : await findUser(deps, given);
  const keys = await listOwnedKeys(deps, await findAccount(deps, given));
  return keys
    .filter(({ userNo }) => user === undefined || userNo === user.no)
    .map(({ id, user: owner, status, origin }) => ({ accessKeyId: id, user: owner, status, origin }));
}

async function setStatus(
  deps: CommandDeps,
  given: Given,
  auditChange: AuditChange,
  status: AccessKey['status'],
): Promise<unknown> {
  const key = await findKey(deps, given);
  const { id, account, user } = key;
  if (status === 'disabled') await requireAnotherRootKey(deps, given, key);
  await deps.catalog.setKeyStatus({ id, status });
  const parameters = { accountId: account, ...ownerOf(user), accessKeyId: id, status };
  await auditChange({ eventName: 'UpdateAccessKey', account, parameters });
  await markCredentials(deps.folder, key, status === 'active' ? 'active' : 'disabled', deps.clock.now());
  return status === 'active' ? { enabled: id } : { disabled: id };
}

async function deleteKey(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const key = await findKey(deps, given);
  const { id, account, user } = key;
  await requireAnotherRootKey(deps, given, key);
  await deps.catalog.deleteAccessKey({ id });
  const parameters = { accountId: account, ...ownerOf(user), accessKeyId: id };
  await auditChange({ eventName: 'DeleteAccessKey', account, parameters });
  await markCredentials(deps.folder, key, 'deleted', deps.clock.now());
  return { deleted: id };
}

/** A root without an enabled key cannot sign requests. @throws SettingError for its last enabled key, unless --yes is given. */
async function requireAnotherRootKey({ catalog }: CommandDeps, given: Given, key: AccessKey): Promise<void> {
  if (key.userNo !== null || key.status !== 'active' || given['yes'] !== undefined) return;
  const keys = await catalog.listAccessKeys(key.account, null);
  if (keys.some(({ id, status }) => id !== key.id && status === 'active')) return;
  throw new SettingError(
    `${key.id} is the last enabled key of the root of account ${key.account}: create another with \`key create\` ` +
      'first, or give --yes',
  );
}

/** Credentials depend on their user, or on a key of the root; with --key, on that key too. */
async function issueKey(deps: CommandDeps, given: Given, auditChange: AuditChange): Promise<unknown> {
  const account = await findAccount(deps, given);
  const user = given['user'] === undefined ? undefined : await findUser(deps, given);
  const keys = await deps.catalog.listAccessKeys(account, user?.no ?? null);
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
    throw new NotFoundError(`there is no enabled key${wanted === undefined ? '' : ` ${wanted}`}; ${choices}`);
  }
  const issuedMs = deps.clock.now();
  const claims = {
    accessKeyId: makeKeyId('ASIA', deps.random),
    secret: makeSecret(deps.random),
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
  await auditChange({ eventName: 'GetSessionToken', account, parameters, elements });
  return {
    accessKeyId: claims.accessKeyId,
    secretAccessKey: claims.secret,
    sessionToken: sealToken(deps.box, claims, deps.random),
    expiration,
  };
}

function sessionTime(text: string): number {
  const ms = parseDuration(text, ['s', 'm', 'h']) ?? 0;
  if (ms > 0 && ms <= LONGEST_SESSION_MS) return ms;
  throw new SettingError(`--for must be a time such as 15m or 1h, at most 36h, not ${JSON.stringify(text)}`);
}
