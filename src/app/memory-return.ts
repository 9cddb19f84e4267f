/** Returns memory to the system after a load. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { systemClocks } from './system.ts';

const LOOK_PAUSE_MS = 5000;
/** Longer than idle buffers are kept for the next blob (blobs/blob/buffer-pool.ts). */
const QUIET_MS = 35_000;
/** Share of one processor. An idle process with its chores uses less; a serving one uses more. */
const QUIET_SHARE = 0.1;
/** Growth below this is not worth walking all of the memory. */
const RISE_BYTES = 24 * 1024 * 1024;

/** Name of the chore in the log. */
export const GIVE_BACK = 'give memory back';

/** What a process has used so far. */
export interface Usage {
  /** By a clock that cannot be set, ms. */
  readonly atMs: number;
  /** Processor time of all its threads, ms. */
  readonly processorMs: number;
  /** Resident memory, bytes. Needs a descriptor, so it is read only when necessary. */
  bytes(): number;
}

/**
 * The C library keeps freed memory for the next allocation, and V8 keeps pages of its heap. After a load, that may be
 * hundreds of MiB, scattered between memory in use, which the process never returns by itself. So a process that has
 * grown and then been idle for a while returns memory once.
 */
export class MemoryReturn {
  readonly #read: () => Usage;
  readonly #ways: readonly (() => void)[];
  #last: Usage;
  #quietSinceMs: number;
  /** Lowest resident memory since memory was last returned, bytes. */
  #least: number;

  /** @param ways functions that return memory, cheapest first; each runs if the one before was not enough. */
  constructor(read: () => Usage, ways: readonly (() => void)[]) {
    this.#read = read;
    this.#ways = ways;
    this.#last = read();
    this.#quietSinceMs = this.#last.atMs;
    this.#least = this.#last.bytes();
  }

  /** Must be called every few seconds. */
  look(): void {
    const now = this.#read();
    const { atMs, processorMs } = this.#last;
    this.#last = now;
    if (now.processorMs - processorMs > (now.atMs - atMs) * QUIET_SHARE) this.#quietSinceMs = now.atMs;
    if (now.atMs - this.#quietSinceMs < QUIET_MS) return;
    let left = now.bytes();
    this.#least = Math.min(this.#least, left);
    if (left - this.#least < RISE_BYTES) return;
    for (const way of this.#ways) {
      way();
      left = now.bytes();
      if (left - this.#least < RISE_BYTES) break;
    }
    this.#least = left;
  }
}

/** Watches this process. */
export function startMemoryReturn(
  { giveBackMemory }: HashEngine,
  onError: (error: unknown) => void,
): Scheduled {
  const ways = [...(giveBackMemory ? [giveBackMemory] : []), collectAll];
  const memory = new MemoryReturn(usage, ways);
  return repeat(LOOK_PAUSE_MS, async () => memory.look(), onError);
}

/** Makes V8 return every unused page; takes some 100 ms. A normal collection lets V8 keep pages for later. */
function collectAll(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  setFlagsFromString('--no-expose-gc');
  collect({ type: 'major', flavor: 'last-resort' });
}

function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    atMs: systemClocks().steadyMs,
    processorMs: (user + system) / 1000,
    bytes: process.memoryUsage.rss,
  };
}
