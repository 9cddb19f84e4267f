/**
 * `npm run scrub-corruptions -- [--corruptions N] [--seed S]`: changes stored bytes, in rounds of up to 1,000 places: a
 * bit (10 %), a sector of 512 or 4,096 bytes (10 %), or a region of 64 KiB (80 %), in large archives and in packs. One
 * scrub must find all of it and nothing else, and no changed byte may be served. Then the bytes are put back, and the
 * next scrub must find nothing. Exit code 0 only if all that holds.
 */
import { createCipheriv } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { parseArgs } from 'node:util';
import { seededSpread } from '../src/domain/job-times.ts';
import { type Api, apiOf } from '../test/support/api.ts';
import { runMoraine } from '../test/support/command.ts';
import { type Jobs, jobsOf } from '../test/support/jobs.ts';
import { type BlobPlace, packedBlobs, placeOf } from '../test/support/pack-reader.ts';
import { hashHeaders } from '../test/support/request.ts';
import { startServer } from '../test/support/server.ts';

const MIB = 2 ** 20;
const ROUND = 1000;
const REGION_BYTES = 65_536;
const PACK_HEADER_BYTES = 64;
const LARGE = { count: 16, bytes: 12.3 * MIB };
const MULTIPART = { count: 4, bytes: 24 * MIB, partBytes: 4 * MIB };
const SMALL = { count: 2000, most: 80_000 };
const UPLOADS_AT_ONCE = 16;
const READS_AT_ONCE = 8;
/** Intact archives that are read in each round. */
const INTACT_READ = 20;

const { values } = parseArgs({ options: { corruptions: { type: 'string' }, seed: { type: 'string' } } });
const corruptions = wholeNumber(values.corruptions, 1000);
const seed = wholeNumber(values.seed, Date.now() % 1_000_000);
const random = seededSpread(seed);

function wholeNumber(text: string | undefined, otherwise: number): number {
  const number = Number(text ?? otherwise);
  if (Number.isInteger(number) && number >= 0) return number;
  throw new Error(`a whole number is needed, not ${text}`);
}

interface Archive {
  readonly id: string;
  /** Makes its bytes. */
  readonly key: number;
  readonly size: number;
  readonly blobs: readonly StoredBlob[];
}

interface StoredBlob extends BlobPlace {
  readonly archiveId: string;
  /** Bytes of its data, and where they begin in the archive. */
  readonly dataBytes: number;
  readonly first: number;
  /** Of its header, if it lies in a pack. */
  readonly headerBytes: number;
}

/** Bytes that were changed: what was there before. */
interface Change {
  readonly path: string;
  readonly at: number;
  readonly before: Buffer;
}

const server = await startServer({ flags: ['--log-level', 'fatal'] });
const store = join(server.data, 'store');
const api = apiOf(server);
const jobs = jobsOf(api);
const kinds: Record<string, number> = { bit: 0, sector: 0, region: 0 };
let [faults, found, refused, cut, intactRead] = [0, 0, 0, 0, 0];
console.log(`${corruptions} corruptions in rounds of ${ROUND}, seed ${seed}`);
try {
  await api.createVault('v');
  const archives = await makeArchives(api);
  const blobs = archives.flatMap((archive) => archive.blobs);
  const bytes = blobs.reduce((sum, blob) => sum + blob.bytes, 0);
  console.log(`${archives.length} archives in ${blobs.length} blobs, ${Math.round(bytes / MIB)} MiB`);
  await requireClean();
  for (let done = 0; done < corruptions; done += ROUND)
    await playRound(archives, blobs, Math.min(ROUND, corruptions - done));
  console.log(
    `${corruptions} corruptions (${JSON.stringify(kinds)}): ${found} damaged ranges found, each by one scrub; ` +
      `${refused} reads refused, ${cut} cut, ${intactRead} of intact archives good; ${faults} faults`,
  );
} finally {
  await server.stop();
}
if (faults > 0) process.exitCode = 1;

function fault(what: string): void {
  faults++;
  console.log(`FAULT: ${what}`);
}

/** The bytes of an archive, which no other has. */
function bytesOf(key: number, size: number): Buffer {
  const iv = Buffer.alloc(16);
  iv.writeUInt32LE(key);
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 9), iv).update(Buffer.alloc(size));
}

async function makeArchives(on: Api): Promise<Archive[]> {
  const sizes = [
    ...Array.from({ length: LARGE.count }, () => ({ size: LARGE.bytes, partBytes: 0 })),
    ...Array.from({ length: MULTIPART.count }, () => ({
      size: MULTIPART.bytes,
      partBytes: MULTIPART.partBytes,
    })),
    ...Array.from({ length: SMALL.count }, () => ({
      size: 1 + Math.floor(random() * SMALL.most),
      partBytes: 0,
    })),
  ].map((one) => ({ ...one, size: Math.floor(one.size) }));
  const made: { id: string; key: number; size: number }[] = [];
  await atOnce(UPLOADS_AT_ONCE, [...sizes.entries()], async ([key, { size, partBytes }]) => {
    const body = bytesOf(key, size);
    made.push({
      id: partBytes > 0 ? await inParts(on, body, partBytes) : await on.upload('v', body),
      key,
      size,
    });
  });
  const catalog = new DatabaseSync(join(server.data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
  const packed = new Map((await packedBlobs(store)).map((blob) => [blob.ref, blob]));
  const archives: Archive[] = [];
  for (const one of made) {
    const row = catalog.prepare('select ref, upload_no, size from archives where id = ?').get(one.id);
    const rows = row?.['ref']
      ? [{ ref: row['ref'], size: row['size'], first: 0 }]
      : catalog
          .prepare('select ref, size, first from parts where upload_no = ?')
          .all(Number(row?.['upload_no']));
    const blobs: StoredBlob[] = [];
    for (const { ref, size, first } of rows) {
      const place = packed.get(String(ref)) ?? (await placeOf(store, String(ref)));
      const headerBytes = packed.has(String(ref)) ? PACK_HEADER_BYTES : 0;
      blobs.push({ ...place, archiveId: one.id, dataBytes: Number(size), first: Number(first), headerBytes });
    }
    archives.push({ ...one, blobs });
  }
  catalog.close();
  return archives;
}

async function inParts(on: Api, body: Buffer, partBytes: number): Promise<string> {
  const uploadId = await on.initiate('v', partBytes);
  for (let at = 0; at < body.length; at += partBytes)
    await on.putPart('v', uploadId, at, body.subarray(at, at + partBytes));
  const treeHash = hashHeaders(body)['x-amz-sha256-tree-hash'] ?? '';
  return (await on.complete('v', uploadId, body.length, treeHash)).headers['x-amz-archive-id'] ?? '';
}

/** Runs a task for each item, some at a time. */
async function atOnce<Item>(
  count: number,
  items: readonly Item[],
  task: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const work = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await task(item);
  };
  await Promise.all(Array.from({ length: count }, work));
}

async function playRound(
  archives: readonly Archive[],
  blobs: readonly StoredBlob[],
  count: number,
): Promise<void> {
  const files = new Map<string, FileHandle>();
  const changes: Change[] = [];
  try {
    // Blobs in packs are many and small: half of the places are in them.
    const [large, small] = [false, true].map((inPack) =>
      blobs.filter((one) => one.headerBytes > 0 === inPack),
    );
    for (let i = 0; i < count; i++) {
      const among = (random() < 0.5 ? large : small) as readonly StoredBlob[];
      changes.push(await corrupt(files, among[Math.floor(random() * among.length)] as StoredBlob));
    }
    const expected = damageOf(blobs, changes);
    const began = performance.now();
    await scrubNow();
    const scrubMs = Math.round(performance.now() - began);
    compare(expected, await listDamage());
    found += expected.size;
    await readDamaged(jobs, archives, expected);
    console.log(
      `${count} corruptions: ${expected.size} damaged ranges, found in ${scrubMs} ms; ${faults} faults`,
    );
  } finally {
    for (const { path, at, before } of changes.toReversed()) await write(files, path, at, before);
    for (const file of files.values()) await file.close();
  }
  await scrubNow();
  await requireClean();
}

async function fileAt(files: Map<string, FileHandle>, path: string): Promise<FileHandle> {
  const file = files.get(path) ?? (await open(path, 'r+'));
  files.set(path, file);
  return file;
}

async function write(files: Map<string, FileHandle>, path: string, at: number, bytes: Buffer): Promise<void> {
  await (await fileAt(files, path)).write(bytes, 0, bytes.length, at);
}

/** Changes a bit, a sector or a region that holds at least one protected byte of the blob. */
async function corrupt(files: Map<string, FileHandle>, blob: StoredBlob): Promise<Change> {
  const { path, start, bytes, headerBytes } = blob;
  const file = await fileAt(files, path);
  const { size } = await file.stat();
  const at = start - headerBytes + Math.floor(random() * (headerBytes + bytes));
  const dice = random();
  const kind = dice < 0.1 ? 'bit' : dice < 0.2 ? 'sector' : 'region';
  kinds[kind] = (kinds[kind] ?? 0) + 1;
  const sector = random() < 0.5 ? 512 : 4096;
  const from = kind === 'sector' ? at - (at % sector) : at;
  const length = Math.min({ bit: 1, sector, region: REGION_BYTES }[kind], size - from);
  const before = Buffer.alloc(length);
  await file.read(before, 0, length, from);
  const after = Buffer.from(before);
  if (kind === 'bit') after[0] = (after[0] as number) ^ (1 << Math.floor(random() * 8));
  // Each byte changes, as in a sector that was misdirected or lost.
  else for (let i = 0; i < length; i++) after[i] = (before[i] as number) ^ (1 + Math.floor(random() * 255));
  await write(files, path, from, after);
  return { path, at: from, before };
}

/** What a scrub must list for these changes: `ref leaf`, the leaf null for all of a blob. */
function damageOf(blobs: readonly StoredBlob[], changes: readonly Change[]): Map<string, StoredBlob> {
  const expected = new Map<string, StoredBlob>();
  const byPath = Map.groupBy(blobs, ({ path }) => path);
  const touched = new Map<StoredBlob, { isWhole: boolean; leaves: Set<number> }>();
  for (const { path, at, before } of changes) {
    for (const blob of byPath.get(path) ?? []) {
      const first = Math.max(at, blob.start - blob.headerBytes) - blob.start;
      const last = Math.min(at + before.length, blob.start + blob.bytes) - 1 - blob.start;
      if (first > last) continue;
      const seen = touched.get(blob) ?? { isWhole: false, leaves: new Set() };
      touched.set(blob, seen);
      if (first < 0 || last >= blob.dataBytes) seen.isWhole = true;
      for (let leaf = Math.floor(Math.max(0, first) / MIB); leaf <= Math.floor(last / MIB); leaf++)
        if (leaf * MIB < blob.dataBytes) seen.leaves.add(leaf);
    }
  }
  for (const [blob, { isWhole, leaves }] of touched) {
    if (isWhole) expected.set(`${blob.ref} null`, blob);
    else for (const leaf of leaves) expected.set(`${blob.ref} ${leaf}`, blob);
  }
  return expected;
}

interface Listed {
  readonly kind: string;
  readonly ref: string;
  readonly archiveId: string | null;
  readonly range: { readonly first: number; readonly last: number } | null;
}

async function command(...args: string[]): Promise<string[]> {
  const { code, output, errors } = await runMoraine([...args, '--json', '--data', server.data]);
  if (code !== 0 && code !== 6) throw new Error(`${args.join(' ')}: ${errors}`);
  return output.split('\n').filter((line) => line !== '');
}

async function scrubNow(): Promise<void> {
  await command('scrub', 'now', '--wait');
}

async function listDamage(): Promise<Listed[]> {
  return (await command('damage', 'ls')).map((line) => JSON.parse(line) as Listed);
}

/** A pack with a damaged header is listed itself, too. */
function compare(expected: ReadonlyMap<string, StoredBlob>, listed: readonly Listed[]): void {
  const known = new Set<string>();
  for (const { kind, ref, archiveId, range } of listed) {
    if (kind === 'file') continue;
    const whole = expected.get(`${ref} null`);
    const leaf = whole ? null : Math.floor(((range?.first ?? 0) - firstOf(expected, ref)) / MIB);
    const key = `${ref} ${leaf}`;
    known.add(key);
    if (!expected.has(key)) fault(`not damaged, but listed: ${JSON.stringify({ kind, ref, range })}`);
    else if (expected.get(key)?.archiveId !== archiveId) fault(`another archive: ${ref} ${archiveId}`);
  }
  for (const [key, { path }] of expected)
    if (!known.has(key)) fault(`not found: ${key} in ${relative(store, path)}`);
}

/** Where a blob's bytes begin in its archive. */
function firstOf(expected: ReadonlyMap<string, StoredBlob>, ref: string): number {
  for (const blob of expected.values()) if (blob.ref === ref) return blob.first;
  return 0;
}

/** Reads every damaged archive, and some others: no changed byte may be sent, and no intact archive refused. */
async function readDamaged(
  of: Jobs,
  archives: readonly Archive[],
  expected: ReadonlyMap<string, StoredBlob>,
): Promise<void> {
  const damaged = new Set([...expected.values()].map(({ archiveId }) => archiveId));
  const intact = archives.filter(({ id }) => !damaged.has(id));
  await atOnce(
    READS_AT_ONCE,
    archives.filter(({ id }) => damaged.has(id)),
    async ({ id, key, size }) => {
      const { status, complete, bytes } = await of.output('v', await of.startRetrieval('v', id));
      if (status === 500) refused++;
      else if (status === 200 && !complete) cut++;
      else fault(`served: ${id} (${status})`);
      if (status === 200 && !bytes.equals(bytesOf(key, size).subarray(0, bytes.length)))
        fault(`wrong bytes: ${id}`);
    },
  );
  await atOnce(READS_AT_ONCE, intact.slice(0, INTACT_READ), async ({ id, key, size }) => {
    const { status, complete, bytes } = await of.output('v', await of.startRetrieval('v', id));
    if (status !== 200 || !complete || !bytes.equals(bytesOf(key, size)))
      fault(`not served: ${id} (${status})`);
    else intactRead++;
  });
}

async function requireClean(): Promise<void> {
  for (const line of await listDamage()) fault(`still listed: ${JSON.stringify(line)}`);
}
