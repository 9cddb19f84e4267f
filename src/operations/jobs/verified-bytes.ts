/** Stored bytes, each leaf verified before any of it is sent (invariant 4). */
import type { Segment } from '../../domain/archive-catalog.ts';
import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import { Refusal } from '../../domain/errors.ts';
import type { SegmentSource } from '../../domain/job.ts';
import type { Span } from '../../treehash/index.ts';
import type { OperationDeps } from '../operation.ts';
import { openSegment, requireTreeHash, type SegmentBytes } from './segment-bytes.ts';

const SEGMENTS_PER_BATCH = 100;

/** Content that is stored in segments: an archive, or an inventory's output. */
export interface StoredContent extends SegmentSource {
  readonly size: number;
  /** Null where the catalog has none. */
  readonly treeHash: string | null;
  /**
   * For content that may be deleted while it is read: the error of that, or undefined while the content is there. Bytes of
   * deleted content may be gone and are not damaged.
   */
  whyGone?(): Promise<Error | undefined>;
}

type VerifiedBytesDeps = Pick<OperationDeps, 'catalog' | 'blobs' | 'clock' | 'settings'>;

/**
 * The bytes of a span, a few leaves at a time, each verified against the leaf hashes of its segment's blob. A chunk is
 * valid until the next is requested. At the first damaged leaf the iterator records the damage and throws a 500.
 * @param unwanted ends the reading at once and drops queued reads; the iterator throws its reason.
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
      // Awaited in the next round. Until then a failure must not count as unhandled.
      coming.catch(() => {});
      try {
        yield* current.bytes(() => void coming.then((next) => next?.begin()).catch(() => {}));
      } finally {
        await current.close();
      }
    }
  } catch (error) {
    throw (await whyGone(stored, error)) ?? (await recordDamage(deps, error));
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
 * The leaf hashes kept with a blob, n × 32 bytes, verified against the tree hash in the catalog.
 * @throws 500 when they are damaged or missing, after recording that.
 */
export async function readProvedLeaves(
  deps: VerifiedBytesDeps,
  ref: string,
  treeHash: string,
): Promise<Uint8Array> {
  try {
    const description = await deps.blobs.describe(ref);
    requireTreeHash(ref, description, treeHash);
    return description.leaves;
  } catch (error) {
    throw await recordDamage(deps, error);
  }
}

async function whyGone(stored: StoredContent, error: unknown): Promise<Error | undefined> {
  return isDamage(error) ? stored.whyGone?.() : undefined;
}

function isDamage(error: unknown): error is BlobDamaged | BlobMissing {
  return error instanceof BlobDamaged || error instanceof BlobMissing;
}

async function recordDamage(
  { catalog, clock, settings }: VerifiedBytesDeps,
  error: unknown,
): Promise<unknown> {
  if (!isDamage(error)) return error;
  const { ref } = error;
  const found =
    error instanceof BlobMissing
      ? { ref, leaf: null, kind: 'missing' as const }
      : { ref, leaf: error.leaf, kind: error.leaf === null ? ('description' as const) : ('data' as const) };
  await catalog.recordDamage({ found: [found], nowMs: clock.now(), topic: settings.damageTopic });
  return new Refusal('damaged', `The stored data is damaged and was not sent: ${error.message}`);
}

/**
 * Reads the first chunk now, so that damage there is answered with an error and not with a cut connection.
 * @throws what the iterator's first step throws.
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
