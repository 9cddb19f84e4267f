import { Shortage } from '../domain/errors.ts';

/** Counts one body while it is read. */
export interface BodyAccount {
  /** @param refuse ends the reading of this body with an error. */
  enter(refuse: (error: Shortage) => void): void;
  add(bytes: number): void;
  /** Releases its bytes. Later calls have no effect. */
  leave(): void;
}

interface Held {
  bytes: number;
  readonly refuse: (error: Shortage) => void;
}

/**
 * Bounds the memory of bodies that are read before their sender is known: a signature without a declared payload hash
 * can be checked only with the whole body. Beyond the limit the longest body is refused, so that long bodies cannot keep
 * short ones out.
 */
export class UnprovenBodies {
  readonly #limit: number;
  readonly #held = new Set<Held>();
  #bytes = 0;

  /** @param limit bytes of all such bodies together. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes held. */
  get bytes(): number {
    return this.#bytes;
  }

  open(): BodyAccount {
    let held: Held | undefined;
    return {
      enter: (refuse) => {
        held = { bytes: 0, refuse };
        this.#held.add(held);
      },
      add: (bytes) => {
        if (held === undefined || !this.#held.has(held)) return;
        held.bytes += bytes;
        this.#bytes += bytes;
        if (this.#bytes > this.#limit) this.#refuseLongest();
      },
      leave: () => {
        if (held !== undefined && this.#held.delete(held)) this.#bytes -= held.bytes;
      },
    };
  }

  #refuseLongest(): void {
    let longest: Held | undefined;
    for (const held of this.#held) if (longest === undefined || held.bytes > longest.bytes) longest = held;
    longest?.refuse(
      new Shortage(
        'The server is reading too many request bodies at the moment. Send x-amz-content-sha256, or try again.',
        { changedNothing: true },
      ),
    );
  }
}
