/**
 * `npm run flip-bytes [-- FLIPS [SEED]]`: flips single bits anywhere in stored blobs, in the data or in the bytes that
 * describe it, and downloads each archive with GetJobOutput. The server must never serve a changed byte: it must return
 * 500, or cut the connection before the changed leaf, and mark the archive as damaged. Each flip is undone before the
 * next. Exit code 0 only if the server detected all flips.
 */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { seededSpread } from '../src/domain/job-times.ts';
import { type Api, apiOf } from '../test/support/api.ts';
import { type Download, digestOf } from '../test/support/download.ts';
import { type Jobs, jobsOf } from '../test/support/jobs.ts';
import { type BlobPlace, placeOf } from '../test/support/pack-reader.ts';
import { MIB, patternBytes } from '../test/support/pattern.ts';
import { hashHeaders } from '../test/support/request.ts';
import { startServer } from '../test/support/server.ts';
import { numberArgument } from './number-argument.ts';

const flips = numberArgument(0, 1000);
/** Flips in the outputs of inventory jobs. */
const extra = Math.ceil(flips / 10);
const seed = numberArgument(1, Date.now() % 1_000_000);
const random = seededSpread(seed);
const VAULT = 'flips';

/** Something to download, and the blobs that hold its bytes. */
interface Target {
  readonly kind: 'single' | 'multipart' | 'inventory';
  readonly jobId: string;
  readonly digest: string;
  readonly bytes: Buffer;
  /** Null if it is not an archive. */
  readonly archiveNo: number | null;
  readonly blobs: readonly FlippableBlob[];
}

interface FlippableBlob extends BlobPlace {
  readonly dataBytes: number;
  /** Size of its header, if the file holds several blobs. */
  readonly headerBytes: number;
}

interface Counts {
  refused: number;
  brokenOff: number;
  servedAsGood: number;
  wrongBytes: number;
  notMarked: number;
}

const server = await startServer({ flags: ['--log-level', 'fatal'] });
const catalog = new DatabaseSync(join(server.data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
const api = apiOf(server);
const jobs = jobsOf(api);
const counts: Counts = { refused: 0, brokenOff: 0, servedAsGood: 0, wrongBytes: 0, notMarked: 0 };
const hits: Record<string, number> = {};
console.log(`${flips} flips in archives and ${extra} in inventories, seed ${seed}`);
try {
  await api.createVault(VAULT);
  const targets = await makeTargets(api, jobs);
  const inventories = targets.filter(({ kind }) => kind === 'inventory');
  const archives = targets.filter(({ kind }) => kind !== 'inventory');
  const began = performance.now();
  for (let i = 1; i <= flips; i++) {
    await playFlip(archives[Math.floor(random() * archives.length)] as Target);
    if (i % 100 === 0) console.log(`${i}: ${JSON.stringify(counts)}`);
  }
  for (let i = 0; i < extra; i++) await playFlip(inventories[i % inventories.length] as Target);
  for (const target of targets) await requireGood(target);
  const seconds = (performance.now() - began) / 1000;
  console.log(`where: ${JSON.stringify(hits)}`);
  console.log(
    `${flips} flips in ${seconds.toFixed(1)} s: ${JSON.stringify(counts)}; afterwards all archives are readable again`,
  );
} finally {
  catalog.close();
  await server.stop();
}
const detected = counts.refused + counts.brokenOff;
if (detected !== flips + extra || counts.servedAsGood + counts.wrongBytes + counts.notMarked > 0)
  process.exitCode = 1;

async function makeTargets(on: Api, of: Jobs): Promise<Target[]> {
  const targets: Target[] = [];
  for (const size of [1, 1000, 100_000, MIB / 4, MIB, MIB + 1, 3.5 * MIB, 6.5 * MIB]) {
    const bytes = patternBytes(size, Math.floor(random() * 1000));
    targets.push(await archiveTarget(of, 'single', await on.upload(VAULT, bytes, 'a description'), bytes));
  }
  for (const [size, partSize] of [
    [2.5 * MIB, MIB],
    [6.5 * MIB, MIB],
    [6.5 * MIB, 4 * MIB],
    [9 * MIB + 7, 2 * MIB],
  ] as const) {
    const bytes = patternBytes(size, Math.floor(random() * 1000));
    targets.push(await archiveTarget(of, 'multipart', await uploadParts(on, bytes, partSize), bytes));
  }
  for (const Format of ['JSON', 'CSV']) targets.push(await inventoryTarget(of, Format));
  return targets;
}

async function uploadParts(on: Api, bytes: Buffer, partSize: number): Promise<string> {
  const uploadId = await on.initiate(VAULT, partSize);
  for (let at = 0; at < bytes.length; at += partSize)
    await on.putPart(VAULT, uploadId, at, bytes.subarray(at, at + partSize));
  const treeHash = hashHeaders(bytes)['x-amz-sha256-tree-hash'] ?? '';
  const { headers } = await on.complete(VAULT, uploadId, bytes.length, treeHash);
  return headers['x-amz-archive-id'] ?? '';
}

async function archiveTarget(
  of: Jobs,
  kind: 'single' | 'multipart',
  archiveId: string,
  bytes: Buffer,
): Promise<Target> {
  const jobId = await of.startRetrieval(VAULT, archiveId);
  const archive = catalog
    .prepare('select no, ref, upload_no, size from archives where id = ?')
    .get(archiveId);
  const rows = archive?.['ref']
    ? [archive]
    : catalog.prepare('select ref, size from parts where upload_no = ?').all(Number(archive?.['upload_no']));
  const blobs = await Promise.all(rows.map((row) => blobOf(String(row['ref']), Number(row['size']))));
  return { kind, jobId, digest: digestOf(bytes), bytes, archiveNo: Number(archive?.['no']), blobs };
}

async function inventoryTarget(of: Jobs, Format: string): Promise<Target> {
  const jobId = await of.startInventory(VAULT, { Format });
  await of.untilDone(VAULT, jobId);
  const { bytes } = await of.output(VAULT, jobId);
  const row = catalog.prepare('select ref from jobs where id = ?').get(jobId);
  const blobs = [await blobOf(String(row?.['ref']), bytes.length)];
  return { kind: 'inventory', jobId, digest: digestOf(bytes), bytes, archiveNo: null, blobs };
}

async function blobOf(ref: string, dataBytes: number): Promise<FlippableBlob> {
  const place = await placeOf(join(server.data, 'store'), ref);
  return { ...place, dataBytes, headerBytes: ref.includes('.') ? 64 : 0 };
}

/**
 * Flips a bit, checks that the server detects it, and undoes it. Half of the flips hit the data, half the bytes that
 * describe it.
 */
async function playFlip(target: Target): Promise<void> {
  const blob = target.blobs[Math.floor(random() * target.blobs.length)] as FlippableBlob;
  const { dataBytes, headerBytes, bytes, start } = blob;
  const inData = random() < 0.5;
  const which = Math.floor(random() * (inData ? dataBytes : headerBytes + bytes - dataBytes));
  // The data is described by bytes after it, and in a pack also by the header before it.
  const at =
    start + (inData ? which : which < headerBytes ? which - headerBytes : dataBytes + which - headerBytes);
  const bit = Math.floor(random() * 8);
  const where = `${target.kind}${headerBytes > 0 ? ' in a pack' : ''}, ${inData ? 'data' : 'description'}`;
  hits[where] = (hits[where] ?? 0) + 1;
  const madeMs = Date.now();
  await flip(blob.path, at, bit);
  try {
    judge(target, await jobs.output(VAULT, target.jobId), madeMs, `${blob.path} byte ${at} bit ${bit}`);
  } finally {
    await flip(blob.path, at, bit);
  }
  if (random() < 0.05) await requireGood(target);
}

async function flip(path: string, at: number, bit: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, at);
    byte[0] = (byte[0] as number) ^ (1 << bit);
    await file.write(byte, 0, 1, at);
  } finally {
    await file.close();
  }
}

/** Accepts a refusal, or correct bytes that end early. Anything else is a failure. */
function judge(target: Target, answer: Download, madeMs: number, what: string): void {
  const { status, complete, bytes } = answer;
  if (status === 500) counts.refused++;
  else if (status === 200 && !complete) counts.brokenOff++;
  else {
    counts.servedAsGood++;
    console.log(`DAMAGE NOT DETECTED (${status}): ${what}`);
  }
  if (status === 200 && !bytes.equals(target.bytes.subarray(0, bytes.length))) {
    counts.wrongBytes++;
    console.log(`WRONG BYTES: ${what}`);
  }
  if (target.archiveNo === null) return;
  const row = catalog.prepare('select damaged_ms from archives where no = ?').get(target.archiveNo);
  if (Number(row?.['damaged_ms'] ?? 0) >= madeMs) return;
  counts.notMarked++;
  console.log(`NOT MARKED: ${what}`);
}

async function requireGood(target: Target): Promise<void> {
  const { status, complete, bytes } = await jobs.output(VAULT, target.jobId);
  if (status === 200 && complete && digestOf(bytes) === target.digest) return;
  throw new Error(`a repaired archive is not served: ${status}, ${bytes.length} bytes`);
}
