import { randomUUID } from 'node:crypto';
import type { ClaimedInventory } from '../domain/catalog.ts';
import { type InventoryWorld, makeInventory } from './make-inventory.ts';

const JOBS_PER_LOT = 500;
/** A worker that is silent for this long is taken for dead, and another takes its job over. */
const LEASE_MS = 60_000;

/** Finishes every archive job that is due, each in one transaction with the messages that it owes. */
export async function finishDueRetrievals({ catalog, clock }: InventoryWorld): Promise<void> {
  if (!(await catalog.dueWork(clock.now())).jobs) return;
  while ((await catalog.finishArchiveJobs({ nowMs: clock.now(), limit: JOBS_PER_LOT })) === JOBS_PER_LOT);
}

/**
 * Finishes every inventory job that is due. They are claimed by lease, because writing one takes long: a second
 * claim of a job that was only slow is harmless, since the first to finish wins and the other's output is removed.
 */
export async function finishDueInventories(world: InventoryWorld): Promise<void> {
  const { catalog, clock } = world;
  if (!(await catalog.dueWork(clock.now())).jobs) return;
  for (;;) {
    const token = randomUUID();
    const claimed = await catalog.claimInventoryJob({ token, nowMs: clock.now(), leaseMs: LEASE_MS });
    if (!claimed) return;
    await finishInventory(world, claimed, token);
  }
}

async function finishInventory(
  world: InventoryWorld,
  claimed: ClaimedInventory,
  token: string,
): Promise<void> {
  const { catalog, blobs, clock } = world;
  const jobNo = claimed.job.no;
  let renewedMs = clock.now();
  const output = await makeInventory(world, claimed, async () => {
    const nowMs = clock.now();
    if (nowMs - renewedMs < LEASE_MS / 3) return true;
    renewedMs = nowMs;
    return catalog.renewInventoryJob({ jobNo, token, nowMs, leaseMs: LEASE_MS });
  });
  if (!output) return;
  const mine = await catalog.finishInventoryJob({ jobNo, token, output, nowMs: clock.now() });
  if (mine) blobs.confirm(output.ref);
  else await blobs.remove(output.ref);
}
