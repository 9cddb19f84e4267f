import type { WriteName } from './writes.ts';

/**
 * Writes without which nothing can be read, and that leave no fact in the journal: they go on while it cannot be written.
 * That an archive is gone again, whose deletion is owed to the journal, is for its job to find.
 */
const INDEPENDENT_WRITES: ReadonlySet<WriteName> = new Set<WriteName>([
  'startJob',
  'finishArchiveJobs',
  'leaseInventoryJob',
  'renewInventoryLease',
  'leaseNotifications',
  'dropNotification',
  'failNotification',
  'markDamaged',
]);

/** Whether a write may leave a fact, or answer by one, that the journal must have first. */
export function waitsForJournal(name: WriteName): boolean {
  return !INDEPENDENT_WRITES.has(name);
}
