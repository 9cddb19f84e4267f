/** Finds out whether a process has more to do than it should do alone, or hardly anything. */

/** Counters that only grow, ms. */
export interface LoadReading {
  /** Time since the process began. */
  readonly steadyMs: number;
  /** Time in which the event loop did not wait for anything. */
  readonly loopMs: number;
  /** Processor time of all threads. */
  readonly processorMs: number;
}

/** Reads the counters of this process. */
export function readLoad(): LoadReading {
  const { user, system } = process.cpuUsage();
  return {
    steadyMs: performance.now(),
    loopMs: performance.eventLoopUtilization().active,
    processorMs: (user + system) / 1000,
  };
}

/** Load is looked at over this time at least. */
const WINDOW_MS = 200;
/** If no request came for so long, a new window begins. */
const STALE_MS = 1000;
/** Share of the time in which the event loop is busy. Counts when other programs have the processor, too. */
const BUSY_LOOP = 0.7;
/** Processor time in proportion to the time; hashing is done by other threads. */
const BUSY_PROCESSOR = 1.2;

/** Watches the load at each request. It needs no timer, so a process without requests sleeps. */
export class LoadWatch {
  readonly #read: () => LoadReading;
  readonly #nowMs: () => number;
  #since: LoadReading;

  /** @param nowMs the same as `steadyMs` of a reading, for less. */
  constructor(read: () => LoadReading, nowMs = () => read().steadyMs) {
    this.#read = read;
    this.#nowMs = nowMs;
    this.#since = read();
  }

  /** Must be called at each request. @returns whether the process was busy over the last window, once a window. */
  isBusy(): boolean {
    const { steadyMs, loopMs, processorMs } = this.#since;
    const passedMs = this.#nowMs() - steadyMs;
    if (passedMs < WINDOW_MS) return false;
    const now = this.#read();
    this.#since = now;
    if (passedMs > STALE_MS) return false;
    const loop = (now.loopMs - loopMs) / passedMs;
    const processor = (now.processorMs - processorMs) / passedMs;
    return loop > BUSY_LOOP || processor > BUSY_PROCESSOR;
  }
}

/** How often a serving process looks whether it is still needed. */
export const QUIET_MS = 60_000;
/** Below this share of a core over that time it is not needed. Its own chores take less. */
const QUIET_PROCESSOR = 0.1;

/** Returns a function that says whether the process had hardly anything to do since its last call. */
export function quietWatch(read: () => LoadReading): () => boolean {
  let since = read();
  return () => {
    const now = read();
    const share = (now.processorMs - since.processorMs) / (now.steadyMs - since.steadyMs);
    since = now;
    return share < QUIET_PROCESSOR;
  };
}
