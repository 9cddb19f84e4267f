/** Lets any number of tasks in, or one alone: it waits for those inside, and those that come later wait for it. */
export class Gate {
  #inside = 0;
  #alone: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  async enter<Result>(task: () => Promise<Result>): Promise<Result> {
    while (this.#alone) await this.#alone;
    this.#inside++;
    try {
      return await task();
    } finally {
      if (--this.#inside === 0) this.#onEmpty?.();
    }
  }

  async alone(task: () => Promise<void>): Promise<void> {
    while (this.#alone) await this.#alone;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#alone = promise;
    try {
      if (this.#inside > 0) await new Promise<void>((empty) => (this.#onEmpty = empty));
      await task();
    } finally {
      this.#onEmpty = undefined;
      this.#alone = undefined;
      resolve();
    }
  }
}
