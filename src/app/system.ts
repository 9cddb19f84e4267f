/** The only place that asks the system for time and randomness. */
import { randomBytes, randomFillSync } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import type { RandomBytes } from '../domain/ids.ts';
import type { ClockReading } from '../domain/trusted-time.ts';

const RANDOM_POOL_BYTES = 4096;

/** The wall clock. */
export const systemClock: Clock = { now: () => Date.now() };

/** The wall clock, and a clock that cannot be set. */
export const systemClocks = (): ClockReading => ({
  wallMs: Date.now(),
  steadyMs: Math.floor(performance.now()),
});

export const systemRandom = pooledRandom();

/** A system call costs the same for a few bytes as for many, so one call fills a pool. Each byte is given out once. */
function pooledRandom(): RandomBytes {
  const pool = Buffer.alloc(RANDOM_POOL_BYTES);
  let used = pool.length;
  return (bytes) => {
    if (bytes > RANDOM_POOL_BYTES) return randomBytes(bytes);
    if (used + bytes > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    // Copied, then erased from the pool: these bytes may become a secret.
    const given = Buffer.from(pool.subarray(used, used + bytes));
    pool.fill(0, used, used + bytes);
    used += bytes;
    return given;
  };
}
