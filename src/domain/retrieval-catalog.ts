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

export interface CountDirectReadArgs {
  readonly owner: VaultOwner;
  readonly bytes: number;
  readonly nowMs: number;
}

export interface RetrievalWrites {
  setRetrievalPolicy(args: SetRetrievalPolicyArgs): Promise<void>;
  /**
   * Counts bytes that are read without a job like those of a Standard retrieval.
   * @throws Refusal over-policy when the data retrieval policy does not allow as many; they are not counted then.
   */
  countDirectRead(args: CountDirectReadArgs): Promise<void>;
  /** @throws Refusal limit-reached. */
  purchaseCapacity(args: PurchaseCapacityArgs): Promise<void>;
}
