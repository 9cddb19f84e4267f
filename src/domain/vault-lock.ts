import { ApiError, invalidParameter, notFound } from './errors.ts';

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

/** The lock as of now: one in progress is gone after its 24 hours, policy and id with it. */
export function currentLock(lock: VaultLock | null, nowMs: number): VaultLock | null {
  if (lock?.state === 'InProgress' && lock.createdMs + LOCK_TRIAL_MS <= nowMs) return null;
  return lock;
}

/** InitiateVaultLock's condition. @throws 403 while a lock is in progress, and for ever once one is complete. */
export function requireNoLock(lock: VaultLock | null): void {
  if (lock === null) return;
  throw conflictError(
    lock.state === 'Locked'
      ? 'The vault is locked: its lock policy can be neither changed nor removed.'
      : 'A vault lock is in progress: complete or abort it before another is initiated.',
  );
}

/**
 * CompleteVaultLock's condition.
 * @returns the lock as it is afterwards; the same one for a repeat with the right id.
 * @throws 404 without a lock, 400 for a wrong id while in progress, 403 for one when locked.
 */
export function completeLock(lock: VaultLock | null, idHash: string): VaultLock {
  if (lock === null) throw notFound('There is no vault lock in progress: initiate one first.');
  if (lock.idHash === idHash) return { ...lock, state: 'Locked' };
  if (lock.state === 'Locked') throw conflictError('The vault is locked, and not by this lock ID.');
  throw invalidParameter('Invalid lock ID: it is not that of the vault lock in progress.');
}

/** AbortVaultLock's condition: nothing happens without a lock. @throws 403 when it is complete. */
export function requireAbortable(lock: VaultLock | null): void {
  if (lock?.state === 'Locked')
    throw conflictError('The vault is locked: a completed vault lock cannot be aborted.');
}

/** Lock conflicts come from the service proper: code, message, type. */
function conflictError(message: string): ApiError {
  return new ApiError('AccessDeniedException', message, { origin: 'service' });
}
