/** The port by which the blob store, the catalog and the audit log share a disk's free space. */
import { passingCode, Shortage } from './errors.ts';

/** Disk space that an upload may use. */
export interface SpaceAllocation {
  /**
   * Notes that this many allocated bytes were written. For an unknown length, allocates them first.
   * @throws Shortage for an unknown length, when only the reserve is left.
   */
  addWritten(bytes: number): Promise<void>;
  /** Ends the allocation. @param error of the upload, if it failed. Never throws. */
  end(error?: unknown): void;
}

export interface DiskSpace {
  /**
   * Allocates space for a blob outside the reserve.
   * @param bytes that will be written; null if unknown.
   * @throws Shortage when there is not enough.
   */
  allocate(bytes: number | null): Promise<SpaceAllocation>;
  /**
   * Call when a write that must succeed finds the disk full. Frees some of the reserve. Never throws.
   * @returns whether it did, so that the write should be retried.
   */
  shrinkReserve(): Promise<boolean>;
}

const UNLIMITED: SpaceAllocation = { addWritten: async () => {}, end: () => {} };

/** A disk without a reserve or allocations. For commands and tests. */
export const NO_RESERVE: DiskSpace = { allocate: async () => UNLIMITED, shrinkReserve: async () => false };

/** Whether a write failed because the disk or a quota is full, by the code of the error or of its cause. */
export function isDiskFull(error: unknown): boolean {
  const code = passingCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Runs a task that must succeed even on a full disk: while it fails for that reason, frees some of the reserve and runs
 * it again.
 * @param task leaves nothing behind when a write fails. A Shortage from it is final, because it may mean a failed flush.
 * @throws what the task throws.
 */
export async function withReserve<Result>(space: DiskSpace, task: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await task();
    } catch (error) {
      if (error instanceof Shortage || !isDiskFull(error) || !(await space.shrinkReserve())) throw error;
    }
  }
}
