/** Finds the account, user or key that a command names. Errors list the choices. */
import type { CommandDeps } from '../app/command-deps.ts';
import { NotFoundError, SettingError } from '../config/errors.ts';
import type { AccessKey } from '../domain/access-key-catalog.ts';
import type { User } from '../domain/user-catalog.ts';
import type { Given } from './action.ts';

/** How many choices a message lists. */
const NAMED = 20;

/** Lists the choices for a message: `the users are: a, b`. */
export function choicesOf(what: string, names: readonly string[]): string {
  if (names.length === 0) return `there are no ${what}`;
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  return `the ${what} are: ${names.slice(0, NAMED).join(', ')}${rest}`;
}

/**
 * Finds the account that --account-id names; without it, the only account.
 * @throws SettingError when there are several, NotFoundError when it does not exist.
 */
export async function findAccount({ catalog }: CommandDeps, given: Given): Promise<string> {
  const accounts = await catalog.listAccounts();
  if (accounts.length === 0)
    throw new NotFoundError(
      'there are no accounts yet: start the server once, or create one with `account create`',
    );
  const wanted = given['account-id'] ?? (accounts.length === 1 ? accounts[0] : undefined);
  if (wanted === undefined)
    throw new SettingError(
      `give --account-id, because there are several accounts; ${choicesOf('accounts', accounts)}`,
    );
  if (!accounts.includes(wanted))
    throw new NotFoundError(`there is no account ${wanted}; ${choicesOf('accounts', accounts)}`);
  return wanted;
}

/** Finds a user by name; by default the one that --user names. @throws as `findAccount`. */
export async function findUser(deps: CommandDeps, given: Given, name = given['user']): Promise<User> {
  const account = await findAccount(deps, given);
  const user = name === undefined ? undefined : await deps.catalog.findUser(account, name);
  if (user) return user;
  const names = (await deps.catalog.listUsers(account)).map((one) => one.name);
  const choices = choicesOf(`users of the account ${account}`, names);
  if (name === undefined) throw new SettingError(`--user NAME is missing; ${choices}`);
  throw new NotFoundError(`there is no user ${name} in the account ${account}; ${choices}`);
}

/** A key with the name of its user, or null for a key of the root. */
export interface OwnedKey extends AccessKey {
  readonly user: string | null;
}

/** Lists all keys of an account: first its root's, then its users' by name. */
export async function listOwnedKeys({ catalog }: CommandDeps, account: string): Promise<OwnedKey[]> {
  const keys = (await catalog.listAccessKeys(account, null)).map((key) => ({
    ...key,
    user: null as string | null,
  }));
  for (const { no, name } of await catalog.listUsers(account)) {
    keys.push(...(await catalog.listAccessKeys(account, no)).map((key) => ({ ...key, user: name })));
  }
  return keys;
}

/** Finds a key by id, in the account that --account-id names, or in any. @throws NotFoundError. */
export async function findKey(deps: CommandDeps, given: Given): Promise<OwnedKey> {
  const id = given['id'] ?? '';
  const account = given['account-id'];
  const key = await deps.catalog.findAccessKey(id);
  if (key && (account === undefined || key.account === account)) {
    const user = key.userNo === null ? undefined : await deps.catalog.userByNo(key.userNo);
    return { ...key, user: user?.name ?? null };
  }
  const accounts = account === undefined ? await deps.catalog.listAccounts() : [account];
  const keys = await Promise.all(accounts.map((one) => listOwnedKeys(deps, one)));
  throw new NotFoundError(
    `there is no key ${id}; ${choicesOf(
      'keys',
      keys.flat().map((one) => one.id),
    )}`,
  );
}
