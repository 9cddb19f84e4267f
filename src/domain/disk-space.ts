/** The port under which the blob store, the catalog and the audit log share what room a disk has. */
import { passingCode, Shortage } from './errors.ts';

/** Bytes that an upload is going to write. */
export interface SpaceAllocation {
  /**
   * So many of the claimed bytes were written. Of a claim of unknown length these are more bytes than claimed so far.
   * @throws Shortage for a claim of unknown length, before the reserve would be written into.
   */
  addWritten(bytes: number): Promise<void>;
  /** Ends the claim. @param error what the upload ended with, if it failed. Never throws. */
  end(error?: unknown): void;
}

export interface DiskSpace {
  /**
   * Asks for room for a blob, which may not use the reserve.
   * @param bytes that will be written; null if not known.
   * @throws Shortage when there is no such room.
   */
  allocate(bytes: number | null): Promise<SpaceAllocation>;
  /**
   * To be called when a write that must go on met a full disk.
   * @returns whether some of the reserve was given up, so that the write is to be tried again. Never throws.
   */
  shrinkReserve(): Promise<boolean>;
}

const UNLIMITED: SpaceAllocation = { addWritten: async () => {}, end: () => {} };

/** A disk without a reserve: whatever it says itself. For commands and tests. */
export const NO_RESERVE: DiskSpace = { allocate: async () => UNLIMITED, shrinkReserve: async () => false };

/** Whether a write failed because the disk or a quota is full, by the code of the error or of its cause. */
export function isDiskFull(error: unknown): boolean {
  const code = passingCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/**
 * Runs what must go on also on a full disk: whenever a write meets one, some of the reserve is given up and it runs again.
 * @param task leaves nothing behind when a write fails. A Shortage that it throws was judged below and is passed on: a
 * flush that failed is final, whatever its code. @throws what the task throws.
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
