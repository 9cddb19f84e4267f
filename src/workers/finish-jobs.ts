import { randomUUID } from 'node:crypto';
import type { LeasedInventory } from '../domain/inventory-catalog.ts';
import { type InventoryDeps, makeInventory } from './make-inventory.ts';

const JOBS_PER_BATCH = 500;
/** If a worker does not renew its lease for this long, another may take the job over. */
const LEASE_MS = 60_000;

/** Finishes every due archive job, each in one transaction with its messages. */
export async function finishDueRetrievals({ catalog, clock }: InventoryDeps): Promise<void> {
  if (!(await catalog.dueWork(clock.now())).jobs) return;
  while ((await catalog.finishArchiveJobs({ nowMs: clock.now(), limit: JOBS_PER_BATCH })) === JOBS_PER_BATCH);
}

/**
 * Finishes every due inventory job. Each is leased, because writing an inventory takes long. If two workers come to work
 * on one job, the first to finish wins and the other removes its output.
 */
export async function finishDueInventories(deps: InventoryDeps): Promise<void> {
  const { catalog, clock } = deps;
  if (!(await catalog.dueWork(clock.now())).jobs) return;
  for (;;) {
    const token = randomUUID();
    const leased = await catalog.leaseInventoryJob({ token, nowMs: clock.now(), leaseMs: LEASE_MS });
    if (!leased) return;
    await finishInventory(deps, leased, token);
  }
}

async function finishInventory(deps: InventoryDeps, leased: LeasedInventory, token: string): Promise<void> {
  const { catalog, blobs, clock } = deps;
  const jobNo = leased.job.no;
  let renewedMs = clock.now();
  const output = await makeInventory(deps, leased, async () => {
    const nowMs = clock.now();
    if (nowMs - renewedMs < LEASE_MS / 3) return true;
    renewedMs = nowMs;
    return catalog.renewInventoryLease({ jobNo, token, nowMs, leaseMs: LEASE_MS });
  });
  if (!output) return;
  const mine = await catalog.finishInventoryJob({ jobNo, token, output, nowMs: clock.now() });
  if (mine) blobs.confirm(output.ref);
  else await blobs.remove(output.ref);
}
