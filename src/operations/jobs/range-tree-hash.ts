import type { Segment } from '../../domain/archive-catalog.ts';
import type { SegmentSource } from '../../domain/job.ts';
import { DIGEST_BYTES, foldDigests, LEAF_BYTES, type Span } from '../../treehash/index.ts';
import type { OperationDeps } from '../operation.ts';
import { readProvedLeaves } from './verified-bytes.ts';

const SEGMENTS_PER_BATCH = 1000;

/**
 * Tree hash of a tree-hash aligned span of an archive, 64 hex digits. Reads only hashes: an aligned span lies within one
 * segment, whose leaf hashes its blob keeps, or consists of whole segments, whose tree hashes the catalog knows.
 * @throws 500 when the hashes kept with a blob are damaged.
 */
export async function rangeTreeHash(
  deps: Pick<OperationDeps, 'catalog' | 'blobs' | 'clock' | 'settings'>,
  archive: SegmentSource & { readonly size: number; readonly treeHash: string },
  span: Span,
): Promise<string> {
  if (span.first === 0 && span.last === archive.size - 1) return archive.treeHash;
  const roots: Buffer[] = [];
  for (let after: number | null = null; ; ) {
    const { rows, more } = await deps.catalog.listSegments(archive, span, {
      after,
      limit: SEGMENTS_PER_BATCH,
    });
    for (const segment of rows) roots.push(await rootWithin(deps, segment, span));
    after = rows.at(-1)?.first ?? after;
    if (!more) return Buffer.from(foldDigests(Buffer.concat(roots))).toString('hex');
  }
}

async function rootWithin(
  deps: Pick<OperationDeps, 'catalog' | 'blobs' | 'clock' | 'settings'>,
  segment: Segment,
  span: Span,
): Promise<Buffer> {
  const first = Math.max(0, span.first - segment.first);
  const last = Math.min(segment.size, span.last + 1 - segment.first) - 1;
  if (first === 0 && last === segment.size - 1) return Buffer.from(segment.treeHash, 'hex');
  const leaves = await readProvedLeaves(deps, segment.ref, segment.treeHash);
  const from = (first / LEAF_BYTES) * DIGEST_BYTES;
  const to = Math.ceil((last + 1) / LEAF_BYTES) * DIGEST_BYTES;
  return Buffer.from(foldDigests(leaves.subarray(from, to)));
}
