import { createHash } from 'node:crypto';
import type { LockedVault } from './catalog.ts';
import { type VaultKey, vaultArn } from './vault.ts';

/*
 * A completed lock is kept in the store as well, as a note, so that restoring an older catalog does not unlock
 * the vault.
 */

/** What the names of all such notes begin with. */
export const LOCK_NOTES = 'lock-';

/** Name of the note of a vault's lock. */
export function lockNoteName(vault: VaultKey): string {
  return `${LOCK_NOTES}${createHash('sha256').update(vaultArn(vault)).digest('hex')}`;
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
