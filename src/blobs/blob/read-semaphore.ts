interface Waiter {
  /** @param isTurn false if nobody wants it any more. */
  wake(isTurn: boolean): void;
}

/**
 * Lets so many reads happen at once as keep the disk and the thread pool busy. The others hold no memory while they
 * wait, and leave when nobody wants them any more.
 */
export class ReadSemaphore {
  #free: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiter>();

  /** @param atOnce how many reads at once, at least 1. */
  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Resolves with true when it is the caller's turn; `done` must follow. With false, at once, when `unwanted` is
   * aborted first.
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

  /** Ends a turn; the next one begins. */
  release(): void {
    const [next] = this.#waiting;
    if (next) next.wake(true);
    else this.#free++;
  }
}
