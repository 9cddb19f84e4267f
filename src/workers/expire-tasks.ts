import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { TASK_LIFE_MS } from '../domain/task.ts';

const ROWS_PER_BATCH = 1000;

/** Forgets tasks that ended long ago, with their reports. Concurrent runs are harmless. */
export async function expireTasks(catalog: Catalog, clock: Clock): Promise<void> {
  const batch = { endedBeforeMs: clock.now() - TASK_LIFE_MS, limit: ROWS_PER_BATCH };
  while ((await catalog.expireTasks(batch)) > 0);
}
