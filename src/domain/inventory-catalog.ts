import type { InventoryEntry } from './inventory.ts';
import type { InventoryJob, InventoryOutput } from './job.ts';
import type { InventoryKey, Page, Paging } from './page.ts';
import type { InventorySnapshot, VaultKey } from './vault.ts';

/** Which archives an inventory lists, in order of creation. */
export interface InventoryScope {
  readonly startMs: number | null;
  readonly endMs: number | null;
  /** As of this inventory; null for as of now. */
  readonly asOfMs: number | null;
}

export interface InventoryReads {
  /** A vault's archives by creation. */
  listInventory(
    vaultNo: number,
    scope: InventoryScope,
    page: Paging<InventoryKey>,
  ): Promise<Page<InventoryEntry>>;
}

export interface LeaseInventoryJobArgs {
  /** Drawn by the worker for this lease. */
  readonly token: string;
  readonly nowMs: number;
  readonly leaseMs: number;
}

/** An inventory job that one worker has leased. */
export interface LeasedInventory {
  readonly job: InventoryJob;
  readonly vault: VaultKey;
  /** The inventory to list from; null for as of now. */
  readonly snapshot: InventorySnapshot | null;
}

export interface RenewInventoryLeaseArgs {
  readonly jobNo: number;
  readonly token: string;
  readonly nowMs: number;
  readonly leaseMs: number;
}

export interface FinishInventoryJobArgs {
  readonly jobNo: number;
  readonly token: string;
  readonly output: InventoryOutput;
  readonly nowMs: number;
}

export interface TakeInventoriesArgs {
  readonly nowMs: number;
  readonly intervalMs: number;
  readonly limit: number;
}

export interface InventoryWrites {
  /** Leases a due inventory job for `leaseMs`; null if none is free. */
  leaseInventoryJob(args: LeaseInventoryJobArgs): Promise<LeasedInventory | null>;
  /** Extends a lease; false if it was lost. */
  renewInventoryLease(args: RenewInventoryLeaseArgs): Promise<boolean>;
  /** Finishes a leased job with its output and adds its notifications; false if the lease was lost: then no row names the output. */
  finishInventoryJob(args: FinishInventoryJobArgs): Promise<boolean>;
  /** Takes due inventories of vaults that were written to since their last; returns how many. */
  takeInventories(args: TakeInventoriesArgs): Promise<number>;
}
