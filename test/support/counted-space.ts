import type { DiskSpace, SpaceAllocation } from '../../src/domain/disk-space.ts';
import { Shortage } from '../../src/domain/errors.ts';

interface CountedAllocation {
  readonly bytes: number | null;
  wrote: number;
  ended: number;
  error: unknown;
}

/** Disk space for a store, with a reserve of this many steps; counts the requests. */
export class CountedSpace implements DiskSpace {
  readonly allocations: CountedAllocation[] = [];
  refuses = false;
  given = 0;
  /** Number of requests to give up some of the reserve. */
  asked = 0;
  readonly #steps: number;

  constructor(steps: number) {
    this.#steps = steps;
  }

  async allocate(bytes: number | null): Promise<SpaceAllocation> {
    if (this.refuses) throw new Shortage('no room');
    const allocation: CountedAllocation = { bytes, wrote: 0, ended: 0, error: undefined };
    this.allocations.push(allocation);
    return {
      async addWritten(written) {
        allocation.wrote += written;
      },
      end(error) {
        allocation.ended++;
        allocation.error = error;
      },
    };
  }

  async shrinkReserve(): Promise<boolean> {
    this.asked++;
    if (this.given === this.#steps) return false;
    this.given++;
    return true;
  }
}
