import { createHash } from 'node:crypto';
import { type VaultKey, vaultArn } from './vault.ts';
import type { LockedVault } from './vault-policy-catalog.ts';

/*
 * A completed lock is kept in the store as well, as a note, so that restoring an older catalog does not unlock
 * the vault.
 */

/** What the names of all such notes begin with. */
export const LOCK_NOTES = 'lock-';

/** Name of the note of a vault's lock: another one for a vault of the same name that is made later. */
export function lockNoteName({
  vault,
  vaultCreatedMs,
}: Pick<LockedVault, 'vault' | 'vaultCreatedMs'>): string {
  return noteName(`${vaultArn(vault)}\n${vaultCreatedMs}`);
}

/** Name that the note of a vault's lock had up to version 2 of the store's form. Nothing is written under it. */
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

/** What a note says. @throws SyntaxError for a text that is no note. */
export function decodeLockNote(text: string): LockedVault {
  return JSON.parse(text) as LockedVault;
}
