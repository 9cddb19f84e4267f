import type { StoredArchive } from '../../domain/archive-catalog.ts';
import type { OperationDeps } from '../operation.ts';
import { decodeMarker, encodeMarker } from '../paging.ts';

const SEGMENTS_PER_PAGE = 1000;
/** Begins a marker, before the number of the archive that it is for. */
const MARKER = 'segment-of';

/** Segments of an archive from a marker on. @throws 400 for a marker of another archive or list. */
export async function listSegmentsOf(
  archive: StoredArchive,
  marker: string | null,
  { catalog }: Pick<OperationDeps, 'catalog'>,
): Promise<{ readonly segments: readonly Record<string, unknown>[]; readonly next: string | null }> {
  const kind = `${MARKER}-${archive.no}`;
  const page = { after: decodeMarker(kind, marker), limit: SEGMENTS_PER_PAGE };
  const { rows, more } = await catalog.listSegments(archive, { first: 0, last: archive.size - 1 }, page);
  const last = rows.at(-1);
  return {
    segments: rows.map(({ first, size, treeHash }) => ({
      Offset: first,
      Size: size,
      SHA256TreeHash: treeHash,
    })),
    next: more && last ? encodeMarker(kind, last.first) : null,
  };
}
