import type { Selectable } from 'kysely';
import { Refusal } from '../domain/errors.ts';
import type { VaultPolicies } from '../domain/vault.ts';
import type { VaultLock } from '../domain/vault-lock.ts';
import type { Schema } from './schema.ts';

export type PolicyRow = Omit<Selectable<Schema['vault_policies']>, 'vault_no'>;

/** The policies of a row, or null without one. */
export function toPolicies(row: PolicyRow | null): VaultPolicies | null {
  return row && { access: row.access_policy, lock: toLock(row), version: row.version };
}

/** @throws Refusal changed-meanwhile when the policies are not of the version that allowed the request. */
export function requireSameVersion(version: number, allowedBy: number): void {
  if (version !== allowedBy) throw policiesChangedError();
}

/** Clients retry upon this refusal, and the request is authorized anew. */
export function policiesChangedError(): Refusal {
  return new Refusal('changed-meanwhile', "The vault's policies or tags changed meanwhile: try again.");
}

/** The lock of a row, or null without one. */
export function toLock(row: PolicyRow): VaultLock | null {
  const { lock_state: state, lock_policy: policy, lock_id_hash: idHash, lock_created_ms: createdMs } = row;
  if (state === null || policy === null || idHash === null || createdMs === null) return null;
  return { state, policy, idHash, createdMs };
}
