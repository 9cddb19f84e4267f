import { randomBytes } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { DiskStore } from '../../src/blobs/disk/disk-store.ts';
import { prepareDiskStore } from '../../src/blobs/disk/prepare.ts';
import { realFileSystem } from '../../src/durable/real-file-system.ts';
import type { HashEngine } from '../../src/hashing/hash-engine.ts';
import { loadNativeHash } from '../../src/hashing/native-hash.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { contest } from '../contest.ts';
import type { BenchOptions, Reference, Row, Section, Target } from '../section.ts';

const MIB = 2 ** 20;
const SMALL_BYTES = 4096;
const UPLOADS_AT_ONCE = 64;
/** As in a pass that an operator asked for. */
const RUNS = 3;
const READERS = 3;
/** Of one read of the disk alone: longer ones are not faster. */
const READ_BYTES = 4 * MIB;
const HASH_BYTES = 16 * MIB;
const TARGET: Target = { kind: 'ratio', value: 0.8 };
const HASH = 'tree hash, all cores';

export const scrub: Section = {
  name: 'scrub',
  about:
    'Scrubbing a store at full speed, in one process, without a catalog. The reference is the lower of two rates that ' +
    'are measured in the same rounds: reading the same files past the page cache, and the tree hash on all cores. Each is the better of two runs.',
  run,
};

/** A store to scrub. */
interface Filled {
  readonly name: string;
  readonly store: DiskStore;
  /** Its files with blobs. */
  readonly files: readonly string[];
  readonly target?: Target;
}

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const engine = loadNativeHash(options.progress) ?? nodeHash;
  const { piece, pieces, small } = options.sizes;
  options.progress('filling the stores');
  const stores = [
    { ...(await fill(options, engine, 'large blobs', piece, pieces)), target: TARGET },
    await fill(options, engine, '4 KiB blobs in packs', SMALL_BYTES, small),
  ];
  const hashed = Math.max(HASH_BYTES, (piece * pieces) / 4);
  const results = await contest(options, [
    { name: HASH, measure: async () => ({ value: await betterOfTwo(() => hashOnAllCores(engine, hashed)) }) },
    ...stores.flatMap(({ name, store, files }) => [
      {
        name: `disk, ${name}`,
        measure: async () => ({ value: await bestReading(engine, files) }),
      },
      { name: `scrub, ${name}`, measure: async () => ({ value: await betterOfTwo(() => scrubAll(store)) }) },
    ]),
  ]);
  const row = (name: string): Row => ({
    name,
    unit: 'MB/s',
    better: 'higher',
    samples: results.values(name),
  });
  return [
    row(HASH),
    ...stores.flatMap(({ name, target, store }) => {
      const hash = results.values(HASH);
      const lower = results.values(`disk, ${name}`).map((rate, i) => Math.min(rate, hash[i] ?? rate));
      const reference: Reference = { name: 'the lower of disk and hash', samples: lower };
      const note = store.isDirect ? {} : { note: 'through the page cache: this file system refuses more' };
      return [
        row(`disk, ${name}`),
        { ...row(`scrub, ${name}`), reference, ...note, ...(target && { target }) },
      ];
    }),
  ];
}

/** Bytes of a task in a microsecond: MB/s. */
async function rateOf(task: () => Promise<number>): Promise<number> {
  const began = performance.now();
  return (await task()) / 1000 / (performance.now() - began);
}

/** All figures are the better of two runs, like that of the disk, which is read in two ways. */
async function betterOfTwo(task: () => Promise<number>): Promise<number> {
  return Math.max(await rateOf(task), await rateOf(task));
}

async function fill(
  { folder, atEnd }: BenchOptions,
  engine: HashEngine,
  name: string,
  bytes: number,
  count: number,
): Promise<Filled> {
  const path = join(folder, name.replaceAll(' ', '-'));
  await mkdir(path);
  await prepareDiskStore(path);
  const store = new DiskStore(path, randomBytes, engine);
  atEnd(() => store.close());
  const body = randomBytes(bytes);
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) await storeBlob(store, body);
  };
  await Promise.all(Array.from({ length: bytes > MIB ? 2 : UPLOADS_AT_ONCE }, work));
  const names = await readdir(path, { recursive: true });
  const files = names.filter((one) => /^(blobs\/..|packs)\/[0-9a-f]{32}(\.pack)?$/.test(one));
  return { name, store, files: files.map((one) => join(path, one)) };
}

async function storeBlob(store: DiskStore, body: Buffer): Promise<void> {
  const writer = await store.create(body.length);
  for (let at = 0; at < body.length; at += MIB) await writer.write([body.subarray(at, at + MIB)]);
  await writer.digest();
  const ref = await writer.finish({
    ...{
      kind: 'archive',
      account: '123456789012',
      region: 'us-east-1',
      vault: 'bench',
      archiveId: 'A'.repeat(138),
    },
    ...{ description: null, createdMs: 0, sequence: 1, offset: 0 },
  });
  store.confirm(ref);
}

async function scrubAll(store: DiskStore): Promise<number> {
  let bytes = 0;
  const rest = async (read: number): Promise<void> => {
    bytes += read;
  };
  for await (const { blobs } of store.scrub({ after: null, atOnce: RUNS, rest }))
    for (const { ref, damage } of blobs) if (damage.length > 0) throw new Error(`the blob ${ref} is damaged`);
  return bytes;
}

/** The better of one reader and of several: disks differ in what they like. */
async function bestReading(engine: HashEngine, paths: readonly string[]): Promise<number> {
  const alone = await rateOf(() => readAll(engine, paths, 1));
  return Math.max(alone, await rateOf(() => readAll(engine, paths, READERS)));
}

/** Reads all of the files past the page cache, through it where that is refused. */
async function readAll(engine: HashEngine, paths: readonly string[], readers: number): Promise<number> {
  const left = [...paths];
  let bytes = 0;
  const work = async (): Promise<void> => {
    const target = engine.alignedBuffer?.(READ_BYTES) ?? Buffer.alloc(READ_BYTES);
    for (let path = left.shift(); path !== undefined; path = left.shift()) {
      const file = await realFileSystem.open(path, engine.alignedBuffer ? 'read-direct' : 'read');
      try {
        const size = await file.size();
        for (let at = 0; at < size; at += READ_BYTES)
          bytes += await file.readInto(at, target, Math.min(READ_BYTES, size - at));
      } finally {
        await file.close();
      }
    }
  };
  await Promise.all(Array.from({ length: readers }, work));
  return bytes;
}

async function hashOnAllCores(engine: HashEngine, bytes: number): Promise<number> {
  const cores = availableParallelism();
  const rounds = Math.ceil(bytes / HASH_BYTES / cores);
  const work = async (): Promise<void> => {
    const body = Buffer.alloc(HASH_BYTES, 0x5a);
    for (let i = 0; i < rounds; i++) await engine.hashLeaves(body);
  };
  await Promise.all(Array.from({ length: cores }, work));
  return rounds * cores * HASH_BYTES;
}
