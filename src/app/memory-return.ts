/** Gives memory back to the system once a load is over. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { systemClocks } from './system.ts';

const LOOK_PAUSE_MS = 5000;
/** By then the buffers that waited for the next blob are freed (blobs/blob/buffer-pool.ts). */
const QUIET_MS = 35_000;
/** Of one processor: an idle process with its chores takes less, one that serves takes more. */
const QUIET_SHARE = 0.1;
/** So much more than at the least may stay: less is not worth a look at all of the memory. */
const RISE_BYTES = 24 * 1024 * 1024;

/** For the log. */
export const GIVE_BACK = 'give memory back';

/** What a process has used up to now. */
export interface Usage {
  /** By a clock that nobody can set, ms. */
  readonly atMs: number;
  /** Of all its threads, ms. */
  readonly processorMs: number;
  /** Resident memory, bytes. Asking takes a descriptor, and a process in a flood may have none left. */
  bytes(): number;
}

/**
 * The C library keeps what is freed for the next allocation, and V8 keeps pages of its heap. After a load that may be
 * hundreds of MiB, scattered between what is still in use, and nothing of it goes back by itself. So a process that has
 * been quiet for a while hands it back, once, if it has grown since the last time.
 */
export class MemoryReturn {
  readonly #read: () => Usage;
  readonly #ways: readonly (() => void)[];
  #last: Usage;
  #quietSinceMs: number;
  /** The least resident since memory was given back, bytes. */
  #least: number;

  /** @param ways hand memory back, the cheapest first. The next one is tried where one was not enough. */
  constructor(read: () => Usage, ways: readonly (() => void)[]) {
    this.#read = read;
    this.#ways = ways;
    this.#last = read();
    this.#quietSinceMs = this.#last.atMs;
    this.#least = this.#last.bytes();
  }

  /** To be called every few seconds. */
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

/** Makes V8 give back every page that it can do without; takes some 100 ms. A plain collection leaves it a store of pages. */
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
