import type { CapacityUnit } from './capacity.ts';
import type { RetrievalPolicy } from './retrieval-policy.ts';
import type { VaultOwner } from './vault.ts';

export interface RetrievalReads {
  /** The policy that was set, or the one that allows everything. */
  retrievalPolicy(owner: VaultOwner): Promise<RetrievalPolicy>;
  /** Units that had not expired at `sinceMs`, newest first. */
  listCapacity(owner: VaultOwner, sinceMs: number): Promise<readonly CapacityUnit[]>;
}

export interface SetRetrievalPolicyArgs {
  readonly owner: VaultOwner;
  readonly policy: RetrievalPolicy;
}

export interface PurchaseCapacityArgs {
  readonly owner: VaultOwner;
  readonly unit: CapacityUnit;
  readonly nowMs: number;
}

export interface RetrievalWrites {
  setRetrievalPolicy(args: SetRetrievalPolicyArgs): Promise<void>;
  /** @throws Refusal limit-reached. */
  purchaseCapacity(args: PurchaseCapacityArgs): Promise<void>;
}
