/** How long jobs take. A self-hosted server could always be instant, but software may need the service's waits. */

export const TIERS = ['Expedited', 'Standard', 'Bulk'] as const;
export type Tier = (typeof TIERS)[number];
/** What sets a job's time: the tier of a retrieval, or being an inventory. */
export type JobPace = Tier | 'Inventory';

/** Shortest and longest time of each pace, ms. */
export type JobTimes = Readonly<Record<JobPace, readonly [shortest: number, longest: number]>>;

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** Everything at once. */
export const INSTANT: JobTimes = { Expedited: [0, 0], Standard: [0, 0], Bulk: [0, 0], Inventory: [0, 0] };
/** As AWS documents. */
export const AS_ON_AWS: JobTimes = {
  Expedited: [MINUTE_MS, 5 * MINUTE_MS],
  Standard: [3 * HOUR_MS, 5 * HOUR_MS],
  Bulk: [5 * HOUR_MS, 12 * HOUR_MS],
  Inventory: [3 * HOUR_MS, 5 * HOUR_MS],
};

/** Numbers from 0 (included) to 1 (not included), the same for the same seed. */
export type Spread = () => number;

/** A small generator (mulberry32): good enough to spread times, and repeatable. */
export function seededSpread(seed: number): Spread {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** When a job of this pace that starts now is done, ms since the epoch. */
export function dueTime(times: JobTimes, pace: JobPace, nowMs: number, spread: Spread): number {
  const [shortest, longest] = times[pace];
  return nowMs + Math.round(shortest + spread() * (longest - shortest));
}
