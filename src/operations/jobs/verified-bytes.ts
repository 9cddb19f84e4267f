/** Bytes on their way out: each leaf is proved before any of it is sent (invariant 4). */
import { BlobDamaged, BlobMissing, type BlobStore } from '../../domain/blob-store.ts';
import type { Segment } from '../../domain/catalog.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SegmentSource } from '../../domain/job.ts';
import { DIGEST_BYTES, LEAF_BYTES, type Span, sha256 } from '../../treehash/index.ts';
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
 * The bytes of a span, a leaf at a time at most, each proved against the leaf hashes kept with its segment.
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
  { ref, size }: Segment,
  leaves: Uint8Array,
  { first, last }: Span,
): AsyncGenerator<Uint8Array> {
  let leaf = Math.floor(first / LEAF_BYTES);
  const end = Math.min(size, (Math.floor(last / LEAF_BYTES) + 1) * LEAF_BYTES);
  const chunks = blobs.read(ref, leaf * LEAF_BYTES, end - 1);
  for await (const bytes of inLeaves(ref, chunks, end - leaf * LEAF_BYTES)) {
    const expected = leaves.subarray(leaf * DIGEST_BYTES, (leaf + 1) * DIGEST_BYTES);
    if (Buffer.compare(sha256(bytes), expected) !== 0) {
      throw new BlobDamaged(
        ref,
        `bytes ${leaf * LEAF_BYTES} to ${leaf * LEAF_BYTES + bytes.length - 1} changed`,
      );
    }
    const from = Math.max(0, first - leaf * LEAF_BYTES);
    yield bytes.subarray(from, Math.min(bytes.length, last + 1 - leaf * LEAF_BYTES));
    leaf++;
  }
}

/** Cuts or joins chunks to leaves. @throws BlobDamaged when fewer than `total` bytes come. */
async function* inLeaves(
  ref: string,
  chunks: AsyncIterable<Uint8Array>,
  total: number,
): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let length = 0;
  let left = total;
  for await (let chunk of chunks) {
    while (length + chunk.length >= Math.min(LEAF_BYTES, left)) {
      const take = Math.min(LEAF_BYTES, left) - length;
      const part = chunk.subarray(0, take);
      yield held.length === 0 ? part : Buffer.concat([...held, part]);
      left -= length + take;
      [held, length, chunk] = [[], 0, chunk.subarray(take)];
      if (left === 0) return;
    }
    if (chunk.length > 0) held.push(chunk);
    length += chunk.length;
  }
  throw new BlobDamaged(ref, `it ends ${left - length} bytes early`);
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
