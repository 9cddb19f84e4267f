/** Reads all of a blob and compares it with its own hashes. */
import { BlobDamaged, type BlobDescription, storedMs } from '../../domain/blob-store.ts';
import type { BlobDamage } from '../../domain/damage.ts';
import type { BlobVerdict } from '../../domain/scrub-store.ts';
import { isReadError } from '../../durable/errors.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { DIGEST_BYTES, LEAF_BYTES } from '../../treehash/index.ts';
import { alignUp, type DirectFile, type DirectFiles, RUN_BYTES } from './direct-file.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from './format.ts';
import { inOrder } from './in-order.ts';
import { describeBlob } from './open.ts';

/** What judging takes beside the blob. */
export interface JudgeDeps {
  readonly files: DirectFiles;
  /** Called after each read with its bytes. @throws to end the judging. */
  rest(bytes: number): Promise<void>;
  /** How many runs of a file may be in memory: with 2 or more, the disk reads one while another is hashed. */
  readonly atOnce: number;
}

/** A file with a blob, open, and what the blob says of itself. */
export interface DescribedFile {
  readonly ref: string;
  readonly file: DirectFile;
  /** Undefined if it cannot be read. */
  readonly description: BlobDescription | undefined;
  /** Why it cannot be read. */
  readonly damage: readonly BlobDamage[];
}

/**
 * Judges a blob in a file of its own.
 * @param only numbers of the leaves to read; all by default.
 */
export async function judgeFile(
  deps: JudgeDeps,
  { ref, file, description, damage }: DescribedFile,
  only?: ReadonlySet<number>,
): Promise<BlobVerdict> {
  if (!description) return { ref, description: null, damage };
  const found: BlobDamage[] = [];
  const runs = readRuns(deps, file, runsOf(description.size, only));
  const judge = (run: ReadRun) => judgeRun(deps.files, description, run);
  for await (const judged of inOrder(runs, deps.atOnce, judge)) found.push(...judged);
  return { ref, description: toFacts(description), damage: found };
}

function* runsOf(size: number, only?: ReadonlySet<number>): Generator<Run> {
  for (let at = 0; at < size; at += RUN_BYTES) {
    const run = { first: at / LEAF_BYTES, bytes: Math.min(RUN_BYTES, size - at) };
    if (!only || hasAny(only, run)) yield run;
  }
}

/** Some whole leaves. */
interface Run {
  /** Number of the first. */
  readonly first: number;
  readonly bytes: number;
}

function hasAny(only: ReadonlySet<number>, { first, bytes }: Run): boolean {
  const count = Math.ceil(bytes / LEAF_BYTES);
  return Array.from({ length: count }, (_, i) => first + i).some((leaf) => only.has(leaf));
}

/** Reads what a blob says of itself. @throws the I/O error, unless the disk fails to read. */
export async function describeFile(ref: string, file: DirectFile): Promise<DescribedFile> {
  try {
    const description = await describeBlob({ ref, file, start: 0, total: file.size });
    return { ref, file, description, damage: [] };
  } catch (error) {
    if (!isReadError(error) && !(error instanceof BlobDamaged)) throw error;
    const kind = isReadError(error) ? 'unreadable' : 'description';
    return { ref, file, description: undefined, damage: [{ leaf: null, kind }] };
  }
}

/** A run as the disk has it. */
interface ReadRun extends Run {
  /** Give it back. Undefined if the disk fails to read it. */
  readonly buffer: Buffer | undefined;
  /** Fewer than asked for where the file ends. */
  readonly read: number;
}

/** Reads one run after the other: disks are fastest with one reader that goes straight on. */
async function* readRuns(
  { files, rest }: JudgeDeps,
  file: DirectFile,
  runs: Iterable<Run>,
): AsyncGenerator<ReadRun> {
  for (const run of runs) {
    const whole = await readRun(files, file, run);
    if (whole.buffer || run.bytes <= LEAF_BYTES) yield whole;
    // The disk cannot read all of it: finds out which leaves.
    else for (const leaf of leavesOf(run)) yield await readRun(files, file, leaf);
    await rest(run.bytes);
  }
}

function* leavesOf({ first, bytes }: Run): Generator<Run> {
  for (let at = 0; at < bytes; at += LEAF_BYTES)
    yield { first: first + at / LEAF_BYTES, bytes: Math.min(LEAF_BYTES, bytes - at) };
}

async function readRun(files: DirectFiles, file: DirectFile, run: Run): Promise<ReadRun> {
  const buffer = files.buffers.take();
  try {
    // The last leaf ends between blocks, so it is read with what follows.
    const target = buffer.subarray(0, alignUp(run.bytes));
    const read = await file.readRun(run.first * LEAF_BYTES, target, run.bytes);
    return { ...run, buffer, read: Math.min(read, run.bytes) };
  } catch (error) {
    files.buffers.give(buffer);
    if (!isReadError(error)) throw error;
    return { ...run, buffer: undefined, read: 0 };
  }
}

async function judgeRun(
  { engine, buffers }: DirectFiles,
  { leaves }: BlobDescription,
  run: ReadRun,
): Promise<BlobDamage[]> {
  const { buffer, first, read } = run;
  if (buffer === undefined) return [{ leaf: first, kind: 'unreadable' }];
  try {
    return compare(await engine.hashLeaves(buffer.subarray(0, read)), leaves, run);
  } finally {
    buffers.give(buffer);
  }
}

/** Compares digests with the leaves of a run; a digest that is not there differs. */
function compare(digests: Uint8Array, leaves: Uint8Array, { first, bytes }: Run): BlobDamage[] {
  const damage: BlobDamage[] = [];
  for (let i = 0; i * LEAF_BYTES < bytes; i++) {
    const digest = digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES);
    const at = (first + i) * DIGEST_BYTES;
    if (Buffer.compare(digest, leaves.subarray(at, at + DIGEST_BYTES)) !== 0)
      damage.push({ leaf: first + i, kind: 'data' });
  }
  return damage;
}

/** Judges a blob of which all bytes are in memory. */
export function judgeBytes(engine: HashEngine, ref: string, bytes: Buffer): BlobVerdict {
  try {
    const layout = decodeFooter(ref, bytes.subarray(-FOOTER_BYTES), bytes.length);
    const description = decodeTrailer(ref, bytes.subarray(layout.size), layout);
    const digests = engine.hashLeavesSync(bytes.subarray(0, layout.size));
    const damage = compare(digests, description.leaves, { first: 0, bytes: layout.size });
    return { ref, description: toFacts(description), damage };
  } catch (error) {
    if (!(error instanceof BlobDamaged)) throw error;
    return { ref, description: null, damage: [{ leaf: null, kind: 'description' }] };
  }
}

function toFacts({ size, treeHash, label }: BlobDescription): NonNullable<BlobVerdict['description']> {
  return { size, treeHash, createdMs: storedMs(label) };
}
