/**
 * Runs any number of shared tasks at once, or one exclusive task, which waits for the running tasks and makes later
 * tasks wait.
 */
export class Gate {
  #inside = 0;
  #exclusive: Promise<void> | undefined;
  #onEmpty: (() => void) | undefined;

  async runShared<Result>(task: () => Promise<Result>): Promise<Result> {
    while (this.#exclusive) await this.#exclusive;
    this.#inside++;
    try {
      return await task();
    } finally {
      if (--this.#inside === 0) this.#onEmpty?.();
    }
  }

  async runExclusive(task: () => Promise<void>): Promise<void> {
    while (this.#exclusive) await this.#exclusive;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#exclusive = promise;
    try {
      if (this.#inside > 0) await new Promise<void>((empty) => (this.#onEmpty = empty));
      await task();
    } finally {
      this.#onEmpty = undefined;
      this.#exclusive = undefined;
      resolve();
    }
  }
}
