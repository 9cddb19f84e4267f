import { BlobDamaged, type LeafRun } from '../domain/blob-store.ts';
import type { HashEngine } from '../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../treehash/index.ts';

/** Enough for the hash to work on two leaves side by side, and few enough for many downloads at once. */
const LEAVES_PER_RUN = 2;
/** How many runs are read before they are taken. */
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

/**
 * Reads and hashes leaves, some runs ahead of whoever takes them, so that hashing and sending go on side by side.
 * The buffers serve by turns: a run's bytes are good until the next one is asked for.
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
  const runs = Math.ceil(bytes / runBytes);
  const buffers = Array.from({ length: Math.min(RUNS_AHEAD + 1, runs) }, (_, turn) =>
    Buffer.allocUnsafeSlow(Math.min(runBytes, bytes - turn * runBytes)),
  );
  const coming: Promise<LeafRun>[] = [];
  let asked = 0;
  const ask = (): void => {
    if (asked === runs) return;
    const buffer = buffers[asked % buffers.length] as Buffer;
    const run = readRun(engine, blob, first + asked++ * LEAVES_PER_RUN, end, buffer);
    // It is awaited some turns later; until then a failure must not count as unhandled.
    run.catch(() => {});
    coming.push(run);
  };
  try {
    for (let ahead = 0; ahead < RUNS_AHEAD; ahead++) ask();
    for (let run = coming.shift(); run; run = coming.shift()) {
      const taken = await run;
      // Into the buffer of the run before, which is no longer looked at.
      ask();
      yield taken;
    }
    // Whoever took them has asked for more, and so is done with the last one. Left to the garbage collector, these
    // buffers made it walk through the whole heap for each few hundred MiB that were sent.
    for (const { buffer } of buffers) (buffer as ArrayBuffer).transfer(0);
  } finally {
    // Whoever takes the runs may stop early; the file must not be closed under a read.
    await Promise.allSettled(coming);
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
