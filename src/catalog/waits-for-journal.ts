import type { WriteName } from './writes.ts';

/**
 * Writes that are needed to read archives and leave no journal entry. They continue while the journal cannot be
 * written. A job may start on an archive whose deletion is not journaled yet; it then fails because the archive is
 * deleted.
 */
const INDEPENDENT_WRITES: ReadonlySet<WriteName> = new Set<WriteName>([
  'startJob',
  'countDirectRead',
  'finishArchiveJobs',
  'leaseInventoryJob',
  'renewInventoryLease',
  'leaseNotifications',
  'dropNotification',
  'failNotification',
  'recordDamage',
  'healDamage',
]);

/** Whether a write's answer must wait for the journal: it may leave an entry, or rely on an earlier one. */
export function waitsForJournal(name: WriteName): boolean {
  return !INDEPENDENT_WRITES.has(name);
}
