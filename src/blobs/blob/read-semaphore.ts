interface Waiter {
  /** @param isTurn false if the read is no longer wanted. */
  wake(isTurn: boolean): void;
}

/**
 * Limits concurrent reads to as many as keep the disk and the thread pool busy. Reads that wait hold no memory, and
 * leave the queue when they are no longer wanted.
 */
export class ReadSemaphore {
  #free: number;
  /** In order of arrival. */
  readonly #waiting = new Set<Waiter>();

  /** @param atOnce number of concurrent reads, at least 1. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** How many reads wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with true when it is the caller's turn, which the caller ends with `release`. Resolves with false at once
   * when `unwanted` is aborted first.
   */
  acquire(unwanted: AbortSignal): Promise<boolean> {
    if (unwanted.aborted) return Promise.resolve(false);
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const leave = (): void => waiting.wake(false);
      const waiting: Waiter = {
        wake: (isTurn) => {
          this.#waiting.delete(waiting);
          unwanted.removeEventListener('abort', leave);
          resolve(isTurn);
        },
      };
      this.#waiting.add(waiting);
      unwanted.addEventListener('abort', leave);
    });
  }

  /** Ends a turn, so that the next one begins. */
  release(): void {
    const [next] = this.#waiting;
    if (next) next.wake(true);
    else this.#free++;
  }
}
