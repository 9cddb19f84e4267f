/** Bytes on their way out: each leaf is proved before any of it is sent (invariant 4). */
import { BlobDamaged, BlobMissing, type BlobStore } from '../../domain/blob-store.ts';
import type { Segment } from '../../domain/catalog.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SegmentSource } from '../../domain/job.ts';
import { DIGEST_BYTES, LEAF_BYTES, type Span } from '../../treehash/index.ts';
import type { OperationContext } from '../operation.ts';

const SEGMENTS_PER_LOT = 100;

/** Something whose bytes lie in segments: an archive, or an inventory's output. */
export interface Stored extends SegmentSource {
  readonly size: number;
  /** Null where the catalog does not keep it. */
  readonly treeHash: string | null;
  /** To mark it when it is found damaged; null for what is no archive. */
  readonly archiveNo: number | null;
}

type World = Pick<OperationContext, 'catalog' | 'blobs' | 'clock'>;

/**
 * The bytes of a span, a few leaves at a time, each proved against the leaf hashes kept with its segment. A chunk
 * is good until the next is asked for.
 * The iterator throws a 500 at the first leaf that is not what was stored, and marks the archive.
 */
export async function* verifiedBytes(world: World, stored: Stored, span: Span): AsyncGenerator<Uint8Array> {
  const of = { ...stored, treeHash: stored.treeHash ?? '' };
  for (let after: number | null = null; ; ) {
    const { rows, more } = await world.catalog.listSegments(of, span, { after, limit: SEGMENTS_PER_LOT });
    for (const segment of rows) yield* ofSegment(world, stored, segment, span);
    after = rows.at(-1)?.first ?? after;
    if (!more) return;
  }
}

async function* ofSegment(
  world: World,
  { archiveNo, treeHash }: Stored,
  segment: Segment,
  span: Span,
): AsyncGenerator<Uint8Array> {
  const first = Math.max(0, span.first - segment.first);
  const last = Math.min(segment.size, span.last + 1 - segment.first) - 1;
  const known = treeHash === null ? null : segment.treeHash;
  const leaves = await provedLeaves(world, archiveNo, segment.ref, known);
  try {
    yield* provedSpan(world.blobs, segment, leaves, { first, last });
  } catch (error) {
    throw await asDamage(world, archiveNo, error);
  }
}

/** Whole leaves are read, because only they can be proved; what was not asked for is cut off. */
async function* provedSpan(
  blobs: BlobStore,
  { ref }: Segment,
  leaves: Uint8Array,
  { first, last }: Span,
): AsyncGenerator<Uint8Array> {
  const runs = blobs.readLeaves(ref, Math.floor(first / LEAF_BYTES), Math.floor(last / LEAF_BYTES));
  for await (const { first: leaf, bytes, digests } of runs) {
    const at = leaf * LEAF_BYTES;
    const expected = leaves.subarray(leaf * DIGEST_BYTES, leaf * DIGEST_BYTES + digests.length);
    if (Buffer.compare(digests, expected) !== 0) {
      throw new BlobDamaged(ref, `bytes ${at} to ${at + bytes.length - 1} are not what was stored`);
    }
    yield bytes.subarray(Math.max(0, first - at), Math.min(bytes.length, last + 1 - at));
  }
}

/**
 * The leaf hashes kept with a blob, n × 32 bytes, proved against the tree hash that the catalog knows.
 * @throws 500 when they are damaged or gone; the archive is marked.
 */
export async function provedLeaves(
  world: World,
  archiveNo: number | null,
  ref: string,
  treeHash: string | null,
): Promise<Uint8Array> {
  try {
    const description = await world.blobs.describe(ref);
    if (treeHash !== null && description.treeHash !== treeHash) {
      throw new BlobDamaged(ref, 'it is not the blob that was stored');
    }
    return description.leaves;
  } catch (error) {
    throw await asDamage(world, archiveNo, error);
  }
}

async function asDamage(
  { catalog, clock }: World,
  archiveNo: number | null,
  error: unknown,
): Promise<unknown> {
  if (!(error instanceof BlobDamaged || error instanceof BlobMissing)) return error;
  if (archiveNo !== null) await catalog.markDamaged({ archiveNo, nowMs: clock.now() });
  return new ApiError(
    'ServiceUnavailableException',
    `The stored data is damaged and was not sent: ${error.message}`,
  );
}

/**
 * Proves the first leaf now, so that damage there becomes an error answer and not a broken connection.
 * @throws what the first step of the iterator throws.
 */
export async function firstLeafProved(bytes: AsyncGenerator<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
  const first = await bytes.next();
  return (async function* () {
    try {
      if (!first.done) yield first.value;
      yield* bytes;
    } finally {
      await bytes.return(undefined);
    }
  })();
}
