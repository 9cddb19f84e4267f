import { resolveAccount } from '../domain/principal.ts';
import { requireVaultName, vaultNotFound } from '../domain/vault.ts';
import { parseTreeHash } from '../operations/archives/archive-headers.ts';
import { requireApiVersion, sourceOf } from './decode.ts';
import type { Message } from './message.ts';
import type { Route } from './route.ts';

/** Clients sign such characters in one encoding and send them in another, or fold them, each differently. */
const UNSIGNABLE = /[^\x20-\x7e]/;

/**
 * After a signature mismatch, refuses the value that may have caused it, if there is one. No valid value of a path, a
 * header or the query has a byte outside 0x20..0x7E, so the request would be refused for it anyway, and a message about
 * the signature would make the user look at the keys.
 * @throws the operation's error for that value: 400, or 404 for a vault's name. Returns if there is no such value.
 */
export function refuseUnsignable(message: Message, { operation, account, vaultName }: Route): void {
  if (UNSIGNABLE.test(account)) resolveAccount(account, '', operation.account);
  if (UNSIGNABLE.test(vaultName)) {
    if (operation.vault === 'new') requireVaultName(vaultName);
    throw vaultNotFound({ account: '', region: '', name: vaultName });
  }
  const source = sourceOf(message);
  const isOdd = (value: unknown): boolean => typeof value === 'string' && UNSIGNABLE.test(value);
  if (isOdd(message.header('x-amz-glacier-version'))) requireApiVersion(message);
  const hash = message.header('x-amz-sha256-tree-hash');
  if (operation.body === 'upload' && isOdd(hash)) parseTreeHash(hash);
  for (const field of Object.values(operation.fields)) {
    if (field.location !== 'member' && isOdd(source[field.location](field.name))) field.parse(source);
  }
}
