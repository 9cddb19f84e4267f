import type { NamedArchive } from '../../domain/archive-listing.ts';
import type { ComingDeletion } from '../../domain/task-catalog.ts';
import { toApiDate } from '../api-date.ts';

/**
 * An archive as DescribeArchive and ListArchives show it.
 * @param verifiedMs when scrubs last read all of it; null if they have not.
 * @param coming the deletions that are scheduled for its vault, the soonest first.
 */
export function toArchiveDescription(
  { archive, name }: NamedArchive,
  verifiedMs: number | null,
  coming: readonly ComingDeletion[],
): Record<string, unknown> {
  return {
    ArchiveId: archive.id,
    ArchiveDescription: archive.description,
    Name: name?.name ?? null,
    NameFormat: name?.format ?? null,
    ModifiedDate: dateOf(name?.modifiedMs ?? null),
    CreationDate: toApiDate(archive.createdMs),
    ImportedDate: dateOf(archive.arrivedMs),
    Size: archive.size,
    SHA256TreeHash: archive.treeHash,
    Damaged: archive.damagedMs !== null,
    LastVerifiedDate: dateOf(verifiedMs),
    DeletionDate: dateOf(coming.find(({ lastNo }) => archive.no <= lastNo)?.dueMs ?? null),
  };
}

function dateOf(ms: number | null): string | null {
  return ms === null ? null : toApiDate(ms);
}
