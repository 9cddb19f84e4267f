import { setTimeout as delay } from 'node:timers/promises';

/** Where the client takes time and randomness from. Tests hand in their own. */
export interface Runtime {
  /** Milliseconds since 1970: the date of signatures, and whether credentials have expired. */
  now(): number;
  /** At least 0, less than 1: spreads retries. */
  random(): number;
  /** Resolves after `ms` milliseconds. @throws the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** The clock, the randomness and the timers of this process. */
export const systemRuntime: Runtime = {
  now: () => Date.now(),
  random: () => Math.random(),
  async sleep(ms, signal) {
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    }
  },
};
