import type { BatchedWrite } from './batched-writes.ts';

/** Bounds how long the first write of a batch waits for the others. */
const WRITES_PER_BATCH = 256;
/** While one batch is flushed, the next one can run. */
const BATCHES_AT_ONCE = 2;

interface PendingWrite extends BatchedWrite {
  resolve(isDone: boolean): void;
  reject(error: unknown): void;
}

/** Runs a batch as a durable transaction. @returns the arguments of the writes that are done. */
type RunDurably = (batch: readonly BatchedWrite[]) => Promise<ReadonlySet<unknown>>;

/** Collects concurrent writes into batches: those that arrive while batches are under way share the next one. */
export class WriteBatcher {
  readonly #runDurably: RunDurably;
  #waiting: PendingWrite[] = [];
  #running = 0;

  constructor(runDurably: RunDurably) {
    this.#runDurably = runDurably;
  }

  /**
   * Resolves with true when the write is durable, and with false if it must run in a transaction of its own.
   * @throws what the batch's transaction throws.
   */
  add({ name, args }: BatchedWrite): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.#waiting.push({ name, args, resolve, reject });
    if (this.#running < BATCHES_AT_ONCE) {
      this.#running++;
      void this.#drain();
    }
    return promise;
  }

  async #drain(): Promise<void> {
    // One turn of the event loop, so that writes that arrived together share a batch.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, WRITES_PER_BATCH);
      try {
        const done = await this.#runDurably(batch);
        for (const { args, resolve } of batch) resolve(done.has(args));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#running--;
  }
}
