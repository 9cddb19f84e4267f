import { createHash } from 'node:crypto';
import { type VaultKey, vaultArn } from './vault.ts';
import type { LockedVault } from './vault-policy-catalog.ts';

/*
 * A completed lock is kept in the store as well, as a note, so that restoring an older catalog does not unlock
 * the vault.
 */

/** Prefix of the names of these notes. */
export const LOCK_NOTES = 'lock-';

/** Name of the note of a vault's lock. It differs for a later vault of the same name. */
export function lockNoteName({
  vault,
  vaultCreatedMs,
}: Pick<LockedVault, 'vault' | 'vaultCreatedMs'>): string {
  return noteName(`${vaultArn(vault)}\n${vaultCreatedMs}`);
}

/** Name of the note up to version 2 of the store's form. Never written any more. */
export function formerLockNoteName(vault: VaultKey): string {
  return noteName(vaultArn(vault));
}

function noteName(text: string): string {
  return `${LOCK_NOTES}${createHash('sha256').update(text).digest('hex')}`;
}

/** The note's text. */
export function encodeLockNote({ vault, vaultCreatedMs, lock }: LockedVault): string {
  const { account, region, name } = vault;
  return JSON.stringify({ vault: { account, region, name }, vaultCreatedMs, lock });
}

/** Parses a note. @throws SyntaxError for a text that is no note. */
export function decodeLockNote(text: string): LockedVault {
  return JSON.parse(text) as LockedVault;
}
