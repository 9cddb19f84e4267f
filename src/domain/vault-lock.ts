import { invalidParameter, notFound, Refusal } from './errors.ts';

/** A lock may be tried for this long before it must be completed. */
export const LOCK_TRIAL_MS = 24 * 3_600_000;

/** A vault's lock: a second vault policy, in force from its initiation, and for ever once completed. */
export interface VaultLock {
  readonly state: 'InProgress' | 'Locked';
  /** The policy document, as it was given. */
  readonly policy: string;
  /** SHA-256 of the lock id, hex: the id itself is shown once. */
  readonly idHash: string;
  /** When it became InProgress. */
  readonly createdMs: number;
}

/** The lock as of now. One in progress ends after 24 hours, with its policy and id. */
export function currentLock(lock: VaultLock | null, nowMs: number): VaultLock | null {
  if (lock?.state === 'InProgress' && lock.createdMs + LOCK_TRIAL_MS <= nowMs) return null;
  return lock;
}

/** InitiateVaultLock's condition. @throws Refusal locked if a lock is in progress or complete. */
export function requireNoLock(lock: VaultLock | null): void {
  if (lock === null) return;
  throw lockedError(
    lock.state === 'Locked'
      ? 'The vault is locked: its lock policy can be neither changed nor removed.'
      : 'A vault lock is in progress: complete or abort it before another is initiated.',
  );
}

/**
 * CompleteVaultLock's condition.
 * @returns the completed lock; the same one for a repeat with the right id.
 * @throws Refusal not-found without a lock, invalid for a wrong id while in progress, locked for one when locked.
 */
export function completeLock(lock: VaultLock | null, idHash: string): VaultLock {
  if (lock === null) throw notFound('There is no vault lock in progress: initiate one first.');
  if (lock.idHash === idHash) return { ...lock, state: 'Locked' };
  if (lock.state === 'Locked') throw lockedError('The vault is locked, and not by this lock ID.');
  throw invalidParameter('Invalid lock ID: it is not that of the vault lock in progress.');
}

/**
 * AbortVaultLock's condition; without a lock the operation does nothing.
 * @throws Refusal locked when the lock is complete.
 */
export function requireAbortable(lock: VaultLock | null): void {
  if (lock?.state === 'Locked')
    throw lockedError('The vault is locked: a completed vault lock cannot be aborted.');
}

function lockedError(message: string): Refusal {
  return new Refusal('locked', message);
}
