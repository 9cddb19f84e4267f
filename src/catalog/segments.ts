import type { ArchiveBytes, Segment, SegmentReads } from '../domain/archive-catalog.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import type { Span } from '../treehash/index.ts';
import { toHex } from './digest.ts';
import type { Source } from './transaction.ts';

export function segmentReads(source: Source): SegmentReads {
  return { listSegments: (bytes, span, page) => listSegments(source, bytes, span, page) };
}

async function listSegments(
  { db }: Source,
  { ref, uploadNo, size, treeHash }: ArchiveBytes,
  { first, last }: Span,
  page: Paging<number>,
): Promise<Page<Segment>> {
  if (ref !== null)
    return { rows: page.after === null ? [{ first: 0, size, treeHash, ref }] : [], more: false };
  const rows = await db
    .selectFrom('parts')
    .select(['first', 'size', 'tree_hash', 'ref'])
    .where('upload_no', '=', uploadNo)
    .where('first', '<=', last)
    .where('first', '>', page.after ?? -1)
    // The part that holds the first byte begins at or before it: the last such one.
    .where('first', '>=', (e) =>
      e
        .selectFrom('parts as p')
        .select((s) => s.fn.max('p.first').as('from'))
        .where('p.upload_no', '=', uploadNo)
        .where('p.first', '<=', first),
    )
    .orderBy('first')
    .limit(page.limit + 1)
    .execute();
  return toPage(
    rows.map((row) => ({ first: row.first, size: row.size, treeHash: toHex(row.tree_hash), ref: row.ref })),
    page.limit,
  );
}
