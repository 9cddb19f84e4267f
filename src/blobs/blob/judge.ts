/** Reads all of a blob and compares it with its own hashes. */
import { BlobDamaged, type BlobDescription } from '../../domain/blob-store.ts';
import type { BlobDamage } from '../../domain/damage.ts';
import type { BlobVerdict } from '../../domain/scrub-store.ts';
import { isReadError } from '../../durable/errors.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { DIGEST_BYTES, LEAF_BYTES } from '../../treehash/index.ts';
import { alignUp, type DirectFile, type DirectFiles, RUN_BYTES } from './direct-file.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from './format.ts';
import { describeBlob } from './open.ts';

/** What judging takes beside the blob. */
export interface JudgeDeps {
  readonly files: DirectFiles;
  /** Called after each read with its bytes. @throws to end the judging. */
  rest(bytes: number): Promise<void>;
}

/**
 * Judges a blob in a file of its own.
 * @param only numbers of the leaves to read; all by default.
 */
export async function judgeFile(
  deps: JudgeDeps,
  ref: string,
  file: DirectFile,
  only?: ReadonlySet<number>,
): Promise<BlobVerdict> {
  const described = await describe(ref, file);
  if ('damage' in described) return { ref, description: null, damage: [described.damage] };
  const damage: BlobDamage[] = [];
  const { size } = described;
  for (let at = 0; at < size; at += RUN_BYTES) {
    const run = { first: at / LEAF_BYTES, bytes: Math.min(RUN_BYTES, size - at) };
    if (only && !hasAny(only, run)) continue;
    damage.push(...(await judgeRun(deps, described, file, run)));
    await deps.rest(run.bytes);
  }
  return { ref, description: toFacts(described), damage };
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

async function describe(
  ref: string,
  file: DirectFile,
): Promise<BlobDescription | { readonly damage: BlobDamage }> {
  try {
    return await describeBlob({ ref, file, start: 0, total: file.size });
  } catch (error) {
    if (isReadError(error)) return { damage: { leaf: null, kind: 'unreadable' } };
    if (error instanceof BlobDamaged) return { damage: { leaf: null, kind: 'description' } };
    throw error;
  }
}

async function judgeRun(
  { files }: JudgeDeps,
  description: BlobDescription,
  file: DirectFile,
  run: Run,
): Promise<BlobDamage[]> {
  const buffer = files.buffers.take();
  try {
    const found = await hashRun(files.engine, file, run, buffer);
    return compare(found, description.leaves, run);
  } catch (error) {
    if (!isReadError(error)) throw error;
    if (run.bytes <= LEAF_BYTES) return [{ leaf: run.first, kind: 'unreadable' }];
  } finally {
    files.buffers.give(buffer);
  }
  // The disk cannot read all of it: finds out which leaves.
  const damage: BlobDamage[] = [];
  for (let at = 0; at < run.bytes; at += LEAF_BYTES) {
    const leaf = { first: run.first + at / LEAF_BYTES, bytes: Math.min(LEAF_BYTES, run.bytes - at) };
    damage.push(...(await judgeRun({ files, rest: async () => {} }, description, file, leaf)));
  }
  return damage;
}

/** Digests of the leaves as the disk has them; short where the file ends. */
async function hashRun(
  engine: HashEngine,
  file: DirectFile,
  { first, bytes }: Run,
  buffer: Buffer,
): Promise<Uint8Array> {
  const position = first * LEAF_BYTES;
  if (bytes % LEAF_BYTES === 0) return (await file.hashRun(position, buffer.subarray(0, bytes))).leaves;
  // The last leaf ends between blocks, so it is read with what follows.
  const read = await file.readRun(position, buffer.subarray(0, alignUp(bytes)), bytes);
  return engine.hashLeaves(buffer.subarray(0, Math.min(read, bytes)));
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
  return { size, treeHash, createdMs: label.createdMs };
}
