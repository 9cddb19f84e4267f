import type { AuthorizedWrite, VaultKey } from './vault.ts';
import type { VaultLock } from './vault-lock.ts';

/** A vault whose lock is complete. */
export interface LockedVault {
  readonly vault: VaultKey;
  /** Tells the vault from a later one of the same name. */
  readonly vaultCreatedMs: number;
  readonly lock: VaultLock;
}

export interface VaultPolicyReads {
  /** Vaults with a completed lock. */
  listLocked(): Promise<readonly LockedVault[]>;
}

export interface SetVaultAccessPolicyArgs extends AuthorizedWrite {
  readonly vaultNo: number;
  /** Null removes the policy. */
  readonly policy: string | null;
}

export interface InitiateVaultLockArgs {
  readonly vaultNo: number;
  readonly policy: string;
  /** SHA-256 of the lock id, hex. */
  readonly lockIdHash: string;
  readonly nowMs: number;
}

export interface CompleteVaultLockArgs {
  readonly vaultNo: number;
  /** SHA-256 of the lock id, hex. */
  readonly lockIdHash: string;
  readonly nowMs: number;
}

export interface AbortVaultLockArgs extends AuthorizedWrite {
  readonly vaultNo: number;
  readonly nowMs: number;
}

export interface RestoreVaultLockArgs {
  readonly vault: VaultKey;
  readonly lock: VaultLock;
}

export interface VaultPolicyWrites {
  /** Sets or removes the vault access policy. */
  setVaultAccessPolicy(args: SetVaultAccessPolicyArgs): Promise<void>;
  /** @throws Refusal locked when a lock is in progress or complete. */
  initiateVaultLock(args: InitiateVaultLockArgs): Promise<void>;
  /** Completes the lock in progress; a repeat with the right id changes nothing. @throws as `completeLock`. */
  completeVaultLock(args: CompleteVaultLockArgs): Promise<VaultLock>;
  /** @throws Refusal locked when the lock is complete. */
  abortVaultLock(args: AbortVaultLockArgs): Promise<void>;
  /**
   * Restores a completed lock that the store has and the catalog lost; false if the vault is unknown or locked
   * already.
   */
  restoreVaultLock(args: RestoreVaultLockArgs): Promise<boolean>;
}
