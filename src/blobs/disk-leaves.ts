import { BlobDamaged, type LeafRun } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../treehash/index.ts';
import type { BufferPool } from './buffer-pool.ts';

/** Enough for the hash to work on two leaves side by side, and few enough for many downloads at once. */
const LEAVES_PER_RUN = 2;
export const RUN_BYTES = LEAVES_PER_RUN * LEAF_BYTES;
/** How many runs are read while one is on its way out. */
const RUNS_AHEAD = 2;
/** Below it a buffer of the right size costs less than it is worth to keep one. */
const POOLED_BYTES = 64 * 1024;

/** A blob's data in a file that is open for reading. */
interface BlobBytes {
  readonly ref: string;
  readonly fd: number;
  /** Where its data begins in the file. */
  readonly start: number;
  /** Bytes of its data. */
  readonly size: number;
}

interface Reading {
  readonly buffer: Buffer;
  readonly run: Promise<LeafRun>;
}

/**
 * Reads and hashes leaves, ahead of whoever takes them. A run's bytes are good until the next one is asked for.
 * @param pool of buffers of `RUN_BYTES`. @throws BlobDamaged when the file ends early.
 */
export async function* leafRuns(
  engine: HashEngine,
  pool: BufferPool,
  blob: BlobBytes,
  first: number,
  last: number,
): AsyncGenerator<LeafRun> {
  const end = Math.min(blob.size, (last + 1) * LEAF_BYTES);
  const free: Buffer[] = [];
  const coming: Reading[] = [];
  let next = first;
  const readOn = (): void => {
    while (coming.length < 1 + RUNS_AHEAD && next * LEAF_BYTES < end) {
      const bytes = Math.min(RUN_BYTES, end - next * LEAF_BYTES);
      const buffer = free.pop() ?? (bytes < POOLED_BYTES ? Buffer.allocUnsafeSlow(bytes) : pool.take());
      const run = readRun(engine, blob, next, buffer.subarray(0, bytes));
      // It is awaited some turns later; until then a failure must not count as unhandled.
      run.catch(() => {});
      coming.push({ buffer, run });
      next += LEAVES_PER_RUN;
    }
  };
  readOn();
  try {
    for (let reading = coming[0]; reading; reading = coming[0]) {
      const run = await reading.run;
      yield run;
      coming.shift();
      // Whoever took the run asks for the next one, and so is done with it.
      free.push(reading.buffer);
      readOn();
    }
    // Not where it ended early: bytes may be on their way into a socket yet.
    for (const buffer of free) if (buffer.length === RUN_BYTES) pool.give(buffer);
  } finally {
    // Whoever takes the runs may stop early; the file must not be closed under a read.
    await Promise.allSettled(coming.map(({ run }) => run));
  }
}

async function readRun(
  engine: HashEngine,
  { ref, fd, start }: BlobBytes,
  leaf: number,
  target: Buffer,
): Promise<LeafRun> {
  const { bytesRead, leaves } = await engine.readAndHash(fd, start + leaf * LEAF_BYTES, target);
  if (bytesRead < target.length)
    throw new BlobDamaged(ref, `it ends ${target.length - bytesRead} bytes early`);
  return { first: leaf, bytes: target, digests: leaves };
}
