import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { JOB_LIFE_MS } from '../domain/job.ts';

const JOBS_PER_BATCH = 200;

/** Forgets expired jobs. Concurrent runs are harmless. */
export async function expireJobs(catalog: Catalog, clock: Clock): Promise<void> {
  const nowMs = clock.now();
  const batch = { endedBeforeMs: nowMs - JOB_LIFE_MS, nowMs, limit: JOBS_PER_BATCH };
  while ((await catalog.expireJobs(batch)) === JOBS_PER_BATCH);
}
