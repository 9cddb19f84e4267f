import type { VaultKey, VaultPolicies } from '../domain/vault.ts';
import {
  completeLock,
  currentLock,
  requireAbortable,
  requireNoLock,
  type VaultLock,
} from '../domain/vault-lock.ts';
import type {
  AbortVaultLockArgs,
  CompleteVaultLockArgs,
  InitiateVaultLockArgs,
  LockedVault,
  RestoreVaultLockArgs,
  SetVaultAccessPolicyArgs,
  VaultPolicyReads,
  VaultPolicyWrites,
} from '../domain/vault-policy-catalog.ts';
import { appendEntry } from './journal.ts';
import { type PolicyRow, requireSameVersion, toLock, toPolicies } from './policy-row.ts';
import { statement } from './statement.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { findVaultNo, lockVaultRow } from './vaults.ts';

export function vaultPolicyReads(source: Source): VaultPolicyReads {
  return { listLocked: () => listLocked(source) };
}

export const vaultPolicyWrites: InTransaction<VaultPolicyWrites> = {
  setVaultAccessPolicy,
  initiateVaultLock,
  completeVaultLock,
  abortVaultLock,
  restoreVaultLock,
};

async function listLocked({ db }: Source): Promise<readonly LockedVault[]> {
  const rows = await db
    .selectFrom('vault_policies as p')
    .innerJoin('vaults as v', 'v.no', 'p.vault_no')
    .selectAll('p')
    .select(['v.account', 'v.region', 'v.name', 'v.created_ms as vaultCreatedMs'])
    .where('p.lock_state', '=', 'Locked')
    .execute();
  return rows.flatMap((row) => {
    const lock = toLock(row);
    const { account, region, name, vaultCreatedMs } = row;
    return lock ? [{ vault: { account, region, name }, vaultCreatedMs, lock }] : [];
  });
}

async function readPolicies({ db }: Source, vaultNo: number): Promise<VaultPolicies | null> {
  const row = await db
    .selectFrom('vault_policies')
    .selectAll()
    .where('vault_no', '=', vaultNo)
    .executeTakeFirst();
  return toPolicies(row ?? null);
}

/**
 * The caller has locked the vault's row.
 * @throws Refusal changed-meanwhile unless the policies are still of this version.
 */
export async function requireVersion(tx: Tx, vaultNo: number, version: number | undefined): Promise<void> {
  if (version === undefined) return;
  requireSameVersion((await FIND_VERSION.first(tx, { vaultNo }))?.version ?? 0, version);
}

const FIND_VERSION = statement((db, { vaultNo }: { vaultNo: number }) =>
  db.selectFrom('vault_policies').select('version').where('vault_no', '=', vaultNo),
);

/** Every change goes through here, so that the version grows. The caller has locked the vault's row exclusively. */
async function changePolicies(
  tx: Tx,
  vaultNo: number,
  set: Partial<Omit<PolicyRow, 'version'>>,
): Promise<void> {
  const none = {
    access_policy: null,
    lock_policy: null,
    lock_state: null,
    lock_id_hash: null,
    lock_created_ms: null,
  };
  await tx.db
    .insertInto('vault_policies')
    .values({ vault_no: vaultNo, ...none, ...set, version: 1 })
    .onConflict((c) =>
      c.column('vault_no').doUpdateSet((e) => ({ ...set, version: e('vault_policies.version', '+', 1) })),
    )
    .execute();
}

/** For changes of tags: conditions of vault policies and of identity policies may depend on them. */
export async function bumpPolicyVersion(tx: Tx, vaultNo: number): Promise<void> {
  await changePolicies(tx, vaultNo, {});
}

async function setVaultAccessPolicy(
  tx: Tx,
  { vaultNo, policy, policyVersion }: SetVaultAccessPolicyArgs,
): Promise<void> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  await requireVersion(tx, vaultNo, policyVersion);
  await changePolicies(tx, vaultNo, { access_policy: policy });
  await appendVaultEntry(tx, vault, { type: 'vault-access-policy', policy });
}

async function initiateVaultLock(
  tx: Tx,
  { vaultNo, policy, lockIdHash, nowMs }: InitiateVaultLockArgs,
): Promise<void> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  requireNoLock(await readCurrentLock(tx, vaultNo, nowMs));
  await setLock(tx, vaultNo, { state: 'InProgress', policy, idHash: lockIdHash, createdMs: nowMs });
  await appendVaultEntry(tx, vault, {
    type: 'vault-lock',
    state: 'InProgress',
    policy,
    lockIdHash,
    at: nowMs,
  });
}

async function completeVaultLock(
  tx: Tx,
  { vaultNo, lockIdHash, nowMs }: CompleteVaultLockArgs,
): Promise<VaultLock> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  const lock = completeLock(await readCurrentLock(tx, vaultNo, nowMs), lockIdHash);
  await setLock(tx, vaultNo, lock);
  const { policy, createdMs } = lock;
  await appendVaultEntry(tx, vault, {
    type: 'vault-lock',
    state: 'Locked',
    policy,
    lockIdHash,
    createdMs,
    at: nowMs,
  });
  return lock;
}

async function abortVaultLock(tx: Tx, { vaultNo, nowMs, policyVersion }: AbortVaultLockArgs): Promise<void> {
  const vault = await lockVaultRow(tx, vaultNo, 'to-change');
  await requireVersion(tx, vaultNo, policyVersion);
  const lock = await readCurrentLock(tx, vaultNo, nowMs);
  requireAbortable(lock);
  if (lock === null) return;
  await setLock(tx, vaultNo, null);
  await appendVaultEntry(tx, vault, { type: 'vault-lock', state: null, at: nowMs });
}

async function restoreVaultLock(tx: Tx, { vault, lock }: RestoreVaultLockArgs): Promise<boolean> {
  const vaultNo = await findVaultNo(tx, vault);
  if (vaultNo === undefined) return false;
  await lockVaultRow(tx, vaultNo, 'to-change');
  const known = (await readPolicies(tx, vaultNo))?.lock;
  if (known?.state === 'Locked') return false;
  await setLock(tx, vaultNo, { ...lock, state: 'Locked' });
  const { policy, idHash: lockIdHash, createdMs } = lock;
  await appendVaultEntry(tx, vault, {
    type: 'vault-lock',
    state: 'Locked',
    policy,
    lockIdHash,
    createdMs,
    at: createdMs,
  });
  return true;
}

async function readCurrentLock(tx: Tx, vaultNo: number, nowMs: number): Promise<VaultLock | null> {
  return currentLock((await readPolicies(tx, vaultNo))?.lock ?? null, nowMs);
}

async function setLock(tx: Tx, vaultNo: number, lock: VaultLock | null): Promise<void> {
  await changePolicies(tx, vaultNo, {
    lock_policy: lock?.policy ?? null,
    lock_state: lock?.state ?? null,
    lock_id_hash: lock?.idHash ?? null,
    lock_created_ms: lock?.createdMs ?? null,
  });
}

async function appendVaultEntry(
  tx: Tx,
  { account, region, name }: VaultKey,
  members: Record<string, unknown>,
): Promise<void> {
  await appendEntry(tx, { ...members, account, region, vault: name });
}
