import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';

const VAULTS_PER_BATCH = 100;

/**
 * Takes the inventory of every vault that was written to since its last one, `intervalMs` after the last one or the first
 * write. An unchanged vault keeps its old inventory, as on the service.
 */
export async function takeInventories(catalog: Catalog, clock: Clock, intervalMs: number): Promise<void> {
  const batch = { nowMs: clock.now(), intervalMs, limit: VAULTS_PER_BATCH };
  while ((await catalog.takeInventories(batch)) === VAULTS_PER_BATCH);
}
