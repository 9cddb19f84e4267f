import type { DiskRoom, RoomClaim } from '../../src/domain/disk-room.ts';
import { Shortage } from '../../src/domain/errors.ts';

interface CountedClaim {
  readonly bytes: number | null;
  wrote: number;
  ended: number;
  error: unknown;
}

/** Room for a store, with a reserve of so many steps; counts what it is asked for. */
export class CountedRoom implements DiskRoom {
  readonly claims: CountedClaim[] = [];
  refuses = false;
  given = 0;
  /** How often it was asked to give up some of the reserve. */
  asked = 0;
  readonly #steps: number;

  constructor(steps: number) {
    this.#steps = steps;
  }

  async claim(bytes: number | null): Promise<RoomClaim> {
    if (this.refuses) throw new Shortage('no room');
    const claim: CountedClaim = { bytes, wrote: 0, ended: 0, error: undefined };
    this.claims.push(claim);
    return {
      async wrote(written) {
        claim.wrote += written;
      },
      end(error) {
        claim.ended++;
        claim.error = error;
      },
    };
  }

  async giveUp(): Promise<boolean> {
    this.asked++;
    if (this.given === this.#steps) return false;
    this.given++;
    return true;
  }
}
