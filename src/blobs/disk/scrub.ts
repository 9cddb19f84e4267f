/** Scrubbing a disk store: reads blobs in files of their own, then packs, then all other files. */
import { BlobMissing } from '../../domain/blob-store.ts';
import type { BlobVerdict, DamagedFile, ScrubOptions, ScrubStep } from '../../domain/scrub-store.ts';
import { exists } from '../../durable/names.ts';
import type { DirectFiles } from '../blob/direct-file.ts';
import { inOrder } from '../blob/in-order.ts';
import { type DescribedFile, describeFile, type JudgeDeps, judgeFile } from '../blob/judge.ts';
import { scanPack } from '../packs/index.ts';
import { BLOB_FOLDERS, type DiskPaths, isBlobName, packOfFile, parseRef } from './paths.ts';
import { listTexts, proveText } from './scrub-texts.ts';

/** Names of a folder that are held at a time. */
const NAMES_AT_ONCE = 4096;
/** A step ends after about so many bytes, or so many blobs. */
const STEP_BYTES = 16 * 1024 * 1024;
const STEP_BLOBS = 64;

/** Keys of packs and of texts: both sort after the digits with which other keys begin. */
const PACKS = 'p';
const TEXTS = 't';

interface DiskScrubDeps {
  readonly paths: DiskPaths;
  readonly files: DirectFiles;
}

/** The key at which a blob is read. Packs are read as a whole. */
export function scrubKey(ref: string): string {
  const found = parseRef(ref);
  return 'name' in found ? `${found.name.slice(-2)}${found.name}` : `${PACKS}${found.pack}`;
}

/** See `ScrubStore.scrub`. */
export async function* scrubDisk(
  { paths, files }: DiskScrubDeps,
  { after, rest, atOnce }: ScrubOptions,
): AsyncGenerator<ScrubStep> {
  const deps = { paths, files, rest, atOnce };
  const key = after ?? '';
  if (key < PACKS) yield* scrubFiles(deps, key);
  if (key < TEXTS) yield* scrubPacks(deps, key.startsWith(PACKS) ? key.slice(1) : '');
  const damaged: DamagedFile[] = [];
  for await (const path of listTexts(paths)) {
    const why = await proveText(deps, path);
    if (why !== undefined) damaged.push({ path, why });
  }
  yield { upTo: TEXTS, blobs: [], files: damaged, pack: null };
}

type Deps = DiskScrubDeps & JudgeDeps;

async function* scrubFiles(deps: Deps, after: string): AsyncGenerator<ScrubStep> {
  let blobs: BlobVerdict[] = [];
  let bytes = 0;
  let upTo = after;
  for await (const { name, verdict } of judgeFiles(deps, blobNames(deps.paths, after))) {
    upTo = scrubKey(name);
    if (verdict) blobs.push(verdict);
    bytes += verdict?.description?.size ?? 0;
    if (bytes < STEP_BYTES && blobs.length < STEP_BLOBS) continue;
    yield { upTo, blobs, files: [], pack: null };
    [blobs, bytes] = [[], 0];
  }
  if (blobs.length > 0) yield { upTo, blobs, files: [], pack: null };
}

interface Judged {
  readonly name: string;
  /** Undefined if it was removed meanwhile. */
  readonly verdict: BlobVerdict | undefined;
}

/** Reads the data of one file after the other, as disks like it, and opens the next ones meanwhile. */
async function* judgeFiles(deps: Deps, names: AsyncIterable<string>): AsyncGenerator<Judged> {
  const begin = async (name: string) => ({ name, described: await openBlob(deps, name) });
  const close = async ({ described }: { described: DescribedFile | undefined }) => described?.file.close();
  for await (const one of inOrder(names, deps.atOnce, begin, close)) {
    const { name, described } = one;
    try {
      yield { name, verdict: described && (await judgeFile(deps, described)) };
    } finally {
      await close(one);
    }
  }
}

/** Undefined if there is none. @throws the I/O error. */
async function openBlob({ files, paths }: Deps, name: string): Promise<DescribedFile | undefined> {
  const file = await files.open(paths.blob(name));
  if (file === undefined) return undefined;
  try {
    return await describeFile(name, file);
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Judges a blob in a file of its own. @throws BlobMissing, the I/O error. */
export async function verifyFileBlob(
  deps: Deps,
  name: string,
  only?: ReadonlySet<number>,
): Promise<BlobVerdict> {
  const described = await openBlob(deps, name);
  if (described === undefined) throw new BlobMissing(name);
  try {
    return await judgeFile(deps, described, only);
  } finally {
    await described.file.close();
  }
}

async function* blobNames(paths: DiskPaths, after: string): AsyncGenerator<string> {
  for (const folder of BLOB_FOLDERS) {
    if (after.slice(0, 2) > folder) continue;
    const first = after.startsWith(folder) ? after.slice(2) : '';
    yield* namesInOrder(paths, paths.blobFolder(folder), first, (name) =>
      isBlobName(name) ? name : undefined,
    );
  }
}

async function* scrubPacks(deps: Deps, after: string): AsyncGenerator<ScrubStep> {
  for await (const pack of namesInOrder(deps.paths, deps.paths.packs, after, packOfFile)) {
    for await (const step of scanPack(deps, pack)) yield { upTo: null, ...step };
    yield { upTo: `${PACKS}${pack}`, blobs: [], files: [], pack: null };
  }
}

/** Reads a file that holds no blob of its own, or looks at a pack as a whole. See `ScrubStore.verifyFile`. */
export async function proveFile(deps: Deps, path: string): Promise<string | undefined> {
  const pack = path.startsWith('packs/') ? packOfFile(path.slice('packs/'.length)) : undefined;
  if (pack === undefined) return proveText(deps, path);
  let why: string | undefined;
  for await (const { files } of scanPack(deps, pack)) why ??= files[0]?.why;
  return why;
}

/** Names in a folder after `first`, in order. Holds some at a time, however many there are. */
async function* namesInOrder(
  { fs }: DiskPaths,
  folder: string,
  first: string,
  toName: (name: string) => string | undefined,
): AsyncGenerator<string> {
  for (let after = first; ; ) {
    let names: string[] = [];
    for await (const entry of await fs.list(folder)) {
      const name = toName(entry.name);
      if (name === undefined || name <= after) continue;
      names.push(name);
      if (names.length >= 2 * NAMES_AT_ONCE) names = names.sort().slice(0, NAMES_AT_ONCE);
    }
    names = names.sort().slice(0, NAMES_AT_ONCE);
    yield* names;
    if (names.length < NAMES_AT_ONCE) return;
    after = names.at(-1) ?? after;
  }
}

/** Those of the blobs whose file is not there. */
export async function findAbsent(paths: DiskPaths, refs: readonly string[]): Promise<string[]> {
  const present = new Map<string, Promise<boolean>>();
  const absent: string[] = [];
  for (const ref of refs) {
    const path = pathOf(paths, ref);
    const known = present.get(path) ?? exists(paths.fs, path);
    present.set(path, known);
    if (!(await known)) absent.push(ref);
  }
  return absent;
}

function pathOf(paths: DiskPaths, ref: string): string {
  const found = parseRef(ref);
  return 'name' in found ? paths.blob(found.name) : paths.pack(found.pack);
}

/** The file that holds a blob, within the store. */
export function fileOf(ref: string): string {
  const found = parseRef(ref);
  return 'name' in found ? `blobs/${found.name.slice(-2)}/${found.name}` : `packs/${found.pack}.pack`;
}
