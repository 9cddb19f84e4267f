/** Reads the bytes of one segment ahead of sending, and verifies them leaf by leaf. */
import type { Segment } from '../../domain/archive-catalog.ts';
import {
  BlobDamaged,
  type BlobDescription,
  type BlobStore,
  type LeafRun,
  type OpenBlob,
} from '../../domain/blob-store.ts';
import { DIGEST_BYTES, LEAF_BYTES, type Span } from '../../treehash/index.ts';

/**
 * Opens the bytes of `span` that lie in a segment.
 * @param span of the archive or output. @param hasTreeHash whether the catalog knows the segment's tree hash.
 * @param unwanted ends the reading.
 * @throws BlobMissing, BlobDamaged, the reason of `unwanted`.
 */
export async function openSegment(
  blobs: BlobStore,
  segment: Segment,
  span: Span,
  hasTreeHash: boolean,
  unwanted: AbortSignal,
): Promise<SegmentBytes> {
  unwanted.throwIfAborted();
  const blob = await blobs.open(segment.ref);
  try {
    requireTreeHash(segment.ref, blob.description, hasTreeHash ? segment.treeHash : null);
  } catch (error) {
    await blob.close();
    throw error;
  }
  const within = {
    first: Math.max(0, span.first - segment.first),
    last: Math.min(segment.size, span.last + 1 - segment.first) - 1,
  };
  return new SegmentBytes(segment.ref, blob, within, unwanted);
}

/** @param treeHash null where the catalog has none. @throws BlobDamaged when the blob has another tree hash. */
export function requireTreeHash(ref: string, found: BlobDescription, treeHash: string | null): void {
  if (treeHash !== null && found.treeHash !== treeHash) {
    throw new BlobDamaged(ref, 'it is not the blob that was stored');
  }
}

/** A span of an open blob, to be read once. Its leaf hashes were verified when it was opened. */
export class SegmentBytes {
  readonly #ref: string;
  readonly #blob: OpenBlob;
  readonly #span: Span;
  readonly #runs: AsyncGenerator<LeafRun>;
  #coming: Promise<IteratorResult<LeafRun>> | undefined;

  /** @param span of the blob's data. @param unwanted ends the reading. */
  constructor(ref: string, blob: OpenBlob, span: Span, unwanted: AbortSignal) {
    this.#ref = ref;
    this.#blob = blob;
    this.#span = span;
    const [first, last] = [span.first, span.last].map((at) => Math.floor(at / LEAF_BYTES)) as [
      number,
      number,
    ];
    this.#runs = blob.leaves(first, last, unwanted);
  }

  /** Starts reading the first leaves, so that `bytes` need not wait for them. */
  begin(): void {
    this.#coming ??= this.#runs.next();
    // Awaited later. Until then a failure must not count as unhandled.
    this.#coming.catch(() => {});
  }

  /**
   * Reads and verifies whole leaves, and yields the bytes of the span. A chunk is valid until the next is requested.
   * @param onLast called before the last chunk is yielded. @throws BlobDamaged.
   */
  async *bytes(onLast: () => void): AsyncGenerator<Uint8Array> {
    const { first, last } = this.#span;
    this.begin();
    for (let next = await this.#coming; next && !next.done; next = await this.#runs.next()) {
      const { first: leaf, bytes, digests } = next.value;
      this.#requireLeaves(leaf, bytes, digests);
      const at = leaf * LEAF_BYTES;
      if (at + bytes.length > last) onLast();
      yield bytes.subarray(Math.max(0, first - at), Math.min(bytes.length, last + 1 - at));
    }
  }

  #requireLeaves(leaf: number, bytes: Uint8Array, digests: Uint8Array): void {
    const from = leaf * DIGEST_BYTES;
    const expected = this.#blob.description.leaves.subarray(from, from + digests.length);
    if (Buffer.compare(digests, expected) === 0) return;
    const at = leaf * LEAF_BYTES;
    const wrong = firstDifference(digests, expected);
    const why = `bytes ${at} to ${at + bytes.length - 1} are not what was stored`;
    throw new BlobDamaged(this.#ref, why, leaf + wrong);
  }

  async close(): Promise<void> {
    await this.#coming?.catch(() => {});
    await this.#runs.return(undefined);
    await this.#blob.close();
  }
}

/** Number of the first digest that differs. */
function firstDifference(found: Uint8Array, expected: Uint8Array): number {
  return Math.floor(found.findIndex((byte, i) => byte !== expected[i]) / DIGEST_BYTES);
}
