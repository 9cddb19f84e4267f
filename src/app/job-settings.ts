import type { JobTimeSetting } from '../config/values.ts';
import {
  AS_ON_AWS,
  dueTime,
  INSTANT,
  type JobPace,
  type JobTimes,
  seededSpread,
} from '../domain/job-times.ts';

/** Makes a function that returns when a job started now will be done. The same seed produces the same random part. */
export function createDueTime(
  setting: JobTimeSetting,
  seed: number,
): (pace: JobPace, nowMs: number) => number {
  const times = jobTimes(setting);
  const spread = seededSpread(seed);
  return (pace, nowMs) => dueTime(times, pace, nowMs, spread);
}

function jobTimes(setting: JobTimeSetting): JobTimes {
  if (setting === 'instant') return INSTANT;
  if (setting === 'aws') return AS_ON_AWS;
  const { expedited = 0, standard = 0, bulk = 0, inventory = standard } = setting;
  return {
    Expedited: [expedited, expedited],
    Standard: [standard, standard],
    Bulk: [bulk, bulk],
    Inventory: [inventory, inventory],
  };
}
