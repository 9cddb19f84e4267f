import type { StoredArchive } from '../../domain/archive-catalog.ts';
import { toApiDate } from '../api-date.ts';

/** An archive as DescribeArchive and ListArchives show it. */
export function toArchiveDescription(archive: StoredArchive): Record<string, unknown> {
  return {
    ArchiveId: archive.id,
    ArchiveDescription: archive.description,
    CreationDate: toApiDate(archive.createdMs),
    ImportedDate: archive.arrivedMs === null ? null : toApiDate(archive.arrivedMs),
    Size: archive.size,
    SHA256TreeHash: archive.treeHash,
  };
}
