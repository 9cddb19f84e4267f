import { BlobDamaged, type LeafRun } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../treehash/index.ts';
import type { RunBuffer, RunBuffers } from './run-buffers.ts';

/** How many runs are read while one is on its way out. */
const RUNS_AHEAD = 2;

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
  readonly buffer: RunBuffer;
  readonly run: Promise<LeafRun>;
}

/**
 * Reads and hashes leaves, ahead of whoever takes them. A run's bytes are good until the next one is asked for.
 * @throws BlobDamaged when the file ends early.
 */
export async function* leafRuns(
  engine: HashEngine,
  buffers: RunBuffers,
  blob: BlobBytes,
  first: number,
  last: number,
): AsyncGenerator<LeafRun> {
  const end = Math.min(blob.size, (last + 1) * LEAF_BYTES);
  const coming: Reading[] = [];
  let next = first * LEAF_BYTES;
  const readOn = (onTheirWay: number): void => {
    while (next < end && coming.length < onTheirWay + RUNS_AHEAD) {
      const buffer = buffers.take(end - next);
      const run = readRun(engine, blob, next / LEAF_BYTES, buffer.bytes);
      // It is awaited some turns later; until then a failure must not count as unhandled.
      run.catch(() => {});
      coming.push({ buffer, run });
      next += buffer.bytes.length;
    }
  };
  readOn(0);
  try {
    for (let reading = coming[0]; reading; reading = coming[0]) {
      const run = await reading.run;
      readOn(1);
      yield run;
      // Whoever took the run asks for the next one, and so is done with it.
      coming.shift();
      reading.buffer.giveBack();
    }
  } finally {
    // Whoever takes the runs may stop early; the file must not be closed under a read.
    await Promise.allSettled(coming.map(({ run }) => run));
    // Bytes may be on their way into a socket yet.
    for (const { buffer } of coming) buffer.leave();
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
