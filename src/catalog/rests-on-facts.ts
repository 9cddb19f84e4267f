import type { WriteName } from './writes.ts';

/**
 * Writes without which nothing can be read, and that leave no fact in the journal: they go on while it cannot be written.
 * That an archive is gone again, whose deletion is owed to the journal, is for its job to find.
 */
const FOR_READING: ReadonlySet<WriteName> = new Set<WriteName>([
  'startJob',
  'finishArchiveJobs',
  'claimInventoryJob',
  'renewInventoryJob',
  'claimNotifications',
  'dropNotification',
  'failNotification',
  'markDamaged',
]);

/** Whether a write may leave a fact, or answer by one, that the journal must have first. */
export function restsOnFacts(name: WriteName): boolean {
  return !FOR_READING.has(name);
}
