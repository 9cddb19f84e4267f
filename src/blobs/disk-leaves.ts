import { BlobDamaged, type LeafRun } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../treehash/index.ts';

/** Enough for the hash to work on two leaves side by side, and few enough for many downloads at once. */
const LEAVES_PER_RUN = 2;

/** A blob's data in a file that is open for reading. */
interface BlobBytes {
  readonly ref: string;
  readonly fd: number;
  /** Where its data begins in the file. */
  readonly start: number;
  /** Bytes of its data. */
  readonly size: number;
}

/**
 * Reads and hashes leaves, one run ahead of whoever takes them. Two buffers serve by turns: a run's bytes are
 * good until the next one is asked for.
 * @throws BlobDamaged when the file ends early.
 */
export async function* leafRuns(
  engine: HashEngine,
  blob: BlobBytes,
  first: number,
  last: number,
): AsyncGenerator<LeafRun> {
  const end = Math.min(blob.size, (last + 1) * LEAF_BYTES);
  const bytes = end - first * LEAF_BYTES;
  const room = (turn: number) => Math.max(0, Math.min(runBytes, bytes - turn * runBytes));
  const buffers = [0, 1].map((turn) => Buffer.allocUnsafeSlow(room(turn)));
  const read = (leaf: number) =>
    readRun(engine, blob, leaf, end, buffers[((leaf - first) / LEAVES_PER_RUN) % 2] as Buffer);
  let coming = read(first);
  try {
    for (let leaf = first; leaf * LEAF_BYTES < end; leaf += LEAVES_PER_RUN) {
      const run = await coming;
      const next = leaf + LEAVES_PER_RUN;
      if (next * LEAF_BYTES < end) {
        coming = read(next);
        // It is awaited a turn later; until then a failure must not count as unhandled.
        coming.catch(() => {});
      }
      yield run;
    }
    // Whoever took them has asked for more, and so is done with the last one. Left to the garbage collector, these
    // buffers made it walk through the whole heap for each few hundred MiB that were sent.
    for (const { buffer } of buffers) (buffer as ArrayBuffer).transfer(0);
  } finally {
    // Whoever takes the runs may stop early; the file must not be closed under a read.
    await coming.catch(() => {});
  }
}

const runBytes = LEAVES_PER_RUN * LEAF_BYTES;

async function readRun(
  engine: HashEngine,
  { ref, fd, start }: BlobBytes,
  leaf: number,
  end: number,
  buffer: Buffer,
): Promise<LeafRun> {
  const at = leaf * LEAF_BYTES;
  const target = buffer.subarray(0, Math.min(runBytes, end - at));
  const { bytesRead, leaves } = await engine.readAndHash(fd, start + at, target);
  if (bytesRead < target.length)
    throw new BlobDamaged(ref, `it ends ${target.length - bytesRead} bytes early`);
  return { first: leaf, bytes: target, digests: leaves };
}
