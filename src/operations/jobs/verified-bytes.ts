/** Bytes on their way out: each leaf is proved before any of it is sent (invariant 4). */
import type { Segment } from '../../domain/archive-catalog.ts';
import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import { ApiError } from '../../domain/errors.ts';
import type { SegmentSource } from '../../domain/job.ts';
import type { Span } from '../../treehash/index.ts';
import type { OperationDeps } from '../operation.ts';
import { openSegment, requireTreeHash, type SegmentBytes } from './segment-bytes.ts';

const SEGMENTS_PER_BATCH = 100;

/** Something whose bytes lie in segments: an archive, or an inventory's output. */
export interface StoredContent extends SegmentSource {
  readonly size: number;
  /** Null where the catalog does not keep it. */
  readonly treeHash: string | null;
  /** To mark it when it is found damaged; null for what is no archive. */
  readonly archiveNo: number | null;
}

type VerifiedBytesDeps = Pick<OperationDeps, 'catalog' | 'blobs' | 'clock'>;

/**
 * The bytes of a span, a few leaves at a time, each proved against the leaf hashes kept with its segment. A chunk
 * is good until the next is asked for.
 * The iterator throws a 500 at the first leaf that is not what was stored, and marks the archive.
 * @param unwanted ends the reading at once: what waits to be read for a client that has gone is dropped. The iterator
 * throws its reason.
 */
export async function* verifiedBytes(
  deps: VerifiedBytesDeps,
  stored: StoredContent,
  span: Span,
  unwanted: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const segments = segmentsOf(deps, stored, span);
  const openNext = async (): Promise<SegmentBytes | undefined> => {
    const { value, done } = await segments.next();
    return done ? undefined : openSegment(deps.blobs, value, span, stored.treeHash !== null, unwanted);
  };
  let coming = openNext();
  try {
    for (let current = await coming; current; current = await coming) {
      coming = openNext();
      // A failure is told when its turn comes; until then it must not count as unhandled.
      coming.catch(() => {});
      try {
        yield* current.bytes(() => void coming.then((next) => next?.begin()).catch(() => {}));
      } finally {
        await current.close();
      }
    }
  } catch (error) {
    throw await markDamage(deps, stored.archiveNo, error);
  } finally {
    await coming.then((next) => next?.close()).catch(() => {});
  }
}

async function* segmentsOf(
  { catalog }: VerifiedBytesDeps,
  stored: StoredContent,
  span: Span,
): AsyncGenerator<Segment> {
  const source = { ...stored, treeHash: stored.treeHash ?? '' };
  for (let after: number | null = null; ; ) {
    const { rows, more } = await catalog.listSegments(source, span, { after, limit: SEGMENTS_PER_BATCH });
    yield* rows;
    after = rows.at(-1)?.first ?? after;
    if (!more) return;
  }
}

/**
 * The leaf hashes kept with a blob, n × 32 bytes, proved against the tree hash that the catalog knows.
 * @throws 500 when they are damaged or gone; the archive is marked.
 */
export async function readProvedLeaves(
  deps: VerifiedBytesDeps,
  archiveNo: number | null,
  ref: string,
  treeHash: string,
): Promise<Uint8Array> {
  try {
    const description = await deps.blobs.describe(ref);
    requireTreeHash(ref, description, treeHash);
    return description.leaves;
  } catch (error) {
    throw await markDamage(deps, archiveNo, error);
  }
}

async function markDamage(
  { catalog, clock }: VerifiedBytesDeps,
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
export async function proveFirstLeaf(bytes: AsyncGenerator<Uint8Array>): Promise<AsyncIterable<Uint8Array>> {
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
