/**
 * `npm run rebuild-large [-- COUNT]`: rebuilds the catalog of a store with so many packed archives and as many deleted ids,
 * and prints the time and the peak memory. The packs and the journal are written directly. Every 100th deleted archive is
 * still in its pack, and must not come back. Exit code 1 above 256 MiB, or for any difference.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodeTrailer } from '../src/blobs/blob/format.ts';
import { formatLine } from '../src/blobs/disk/journal-lines.ts';
import { encodeHeader, HEADER_BYTES, recordBytes } from '../src/blobs/packs/format.ts';
import { Ids } from '../src/domain/ids.ts';
import { apiOf, assertJson } from '../test/support/api.ts';
import { jobsOf } from '../test/support/jobs.ts';
import { MAIN } from '../test/support/program.ts';
import { startServer, temporaryFolder } from '../test/support/server.ts';
import { numberArgument } from './number-argument.ts';

const VAULT = 'large';
const BOUND_MIB = 256;
const POLL_MS = 100;
const PACK_BYTES = 64 * 2 ** 20;
const DATA_BYTES = 48;
/** Of the deleted archives, one in so many is still in its pack. */
const UNSWEPT = 100;
const STAMP = { generation: 1, commitNumber: 5 };

const count = numberArgument(0, 1_000_000);
const data = await temporaryFolder();
const store = join(data, 'store');
let failed = false;
const requireEqual = (what: string, found: unknown, expected: unknown): void => {
  if (found === expected) return;
  console.error(`${what}: ${found}, not ${expected}`);
  failed = true;
};

/** A pack that is written from its beginning to its end. */
class PackFile {
  readonly #name = randomBytes(16).toString('hex');
  readonly #stream = createWriteStream(join(store, 'packs', `${this.#name}.pack`));
  length = 0;

  async add(blob: Buffer): Promise<void> {
    const bytes = Buffer.alloc(recordBytes(blob.length));
    encodeHeader(this.#name, { place: this.length, blobBytes: blob.length }).copy(bytes);
    blob.copy(bytes, HEADER_BYTES);
    this.length += bytes.length;
    await write(this.#stream, bytes);
  }

  end(): Promise<void> {
    return new Promise<void>((resolve) => this.#stream.end(() => resolve()));
  }
}

try {
  const server = await startServer({ data });
  await apiOf(server).createVault(VAULT);
  const owner = { account: server.accountId, region: 'us-east-1', vault: VAULT };
  await server.stop();
  const filling = performance.now();
  const sample = await fill(owner, await idsOf(owner));
  for (const suffix of ['', '-wal', '-shm']) await rm(join(data, `catalog.sqlite${suffix}`), { force: true });
  console.log(`${count} archives and ${count} deleted ids written in ${secondsSince(filling)} s`);
  await measure();
  const again = await startServer({ data });
  try {
    const api = apiOf(again);
    const { NumberOfArchives } = assertJson(await api.call('GET', `/-/vaults/${VAULT}`));
    requireEqual('archives in the vault', NumberOfArchives, count);
    const jobs = jobsOf(api);
    const { bytes } = await jobs.output(VAULT, await jobs.startRetrieval(VAULT, sample.id));
    requireEqual('the bytes of one archive', bytes.toString('hex'), sample.bytes.toString('hex'));
  } finally {
    await again.stop();
  }
} finally {
  await rm(data, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;

interface Owner {
  readonly account: string;
  readonly region: string;
  readonly vault: string;
}

/** An archive and its blob. */
interface Made {
  readonly id: string;
  readonly bytes: Buffer;
  readonly blob: Buffer;
}

/** Returns ids that the server proves to be its own. */
async function idsOf({ vault: name, ...owner }: Owner): Promise<() => string> {
  const masterKey = Buffer.from(await readFile(join(data, 'master.key'), 'utf8'), 'hex');
  const ids = new Ids(masterKey, randomBytes);
  return () => ids.archiveId({ ...owner, name }, 1_700_000_000_000);
}

function makeArchive(owner: Owner, id: string, i: number): Made {
  const bytes = randomBytes(DATA_BYTES);
  const leaf = createHash('sha256').update(bytes).digest();
  const hash = leaf.toString('hex');
  const createdMs = 1_700_000_000_000 + i;
  const label = { kind: 'archive', ...owner, archiveId: id, description: `file ${i}`, createdMs } as const;
  const digests = { size: bytes.length, treeHash: hash, linearHash: hash, leaves: leaf };
  const trailer = encodeTrailer({ ...label, offset: 0, sequence: createdMs * 1024 }, digests, STAMP);
  return { id, bytes, blob: Buffer.concat([bytes, trailer]) };
}

/** Writes packs and a journal file; gives one archive. */
async function fill(owner: Owner, newId: () => string): Promise<Made> {
  let pack = new PackFile();
  const journal = createWriteStream(join(store, 'journal', `${randomBytes(16).toString('hex')}.jsonl`));
  const sample = makeArchive(owner, newId(), 0);
  await pack.add(sample.blob);
  for (let i = 1; i < count + count / UNSWEPT; i++) {
    const made = makeArchive(owner, newId(), i);
    await pack.add(made.blob);
    if (i >= count) await writeDeletion(journal, owner, i, made.id);
    if (pack.length < PACK_BYTES) continue;
    await pack.end();
    pack = new PackFile();
  }
  await pack.end();
  for (let i = 0; i < count - count / UNSWEPT; i++)
    await writeDeletion(journal, owner, 2 * count + i, newId());
  await new Promise<void>((resolve) => journal.end(() => resolve()));
  return sample;
}

function writeDeletion(
  journal: ReturnType<typeof createWriteStream>,
  owner: Owner,
  i: number,
  archiveId: string,
): Promise<void> {
  const body = { type: 'archive-deleted', ...owner, archiveId, at: 1_700_000_000_000 + i };
  return write(journal, Buffer.from(formatLine({ seq: 1000 + i, body }, STAMP, 0)));
}

async function write(to: ReturnType<typeof createWriteStream>, bytes: Uint8Array): Promise<void> {
  if (!to.write(bytes)) await new Promise<void>((resolve) => to.once('drain', () => resolve()));
}

/** Runs `moraine rebuild`, and prints its time and peak memory. */
async function measure(): Promise<void> {
  const began = performance.now();
  // As bin/moraine runs it.
  const args = ['--max-semi-space-size=16', MAIN, 'rebuild', '--data', data, '--json'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let peak = 0;
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) =>
    process.stdout.write(`${secondsSince(began)} s, ${peak} MiB: ${chunk}`),
  );
  let code: number | null | undefined;
  child.on('close', (exit) => {
    code = exit;
  });
  while (code === undefined) {
    await pause(POLL_MS);
    peak = Math.max(peak, await peakMiB(child.pid));
  }
  requireEqual('exit code', code, 0);
  const report = JSON.parse(output.trimEnd().split('\n').at(-1) ?? '{}');
  requireEqual('archives', report.archives, count);
  requireEqual('blobs of deleted archives', report.garbage, count / UNSWEPT);
  console.log(`rebuilt in ${secondsSince(began)} s; peak ${peak} MiB`);
  if (peak > BOUND_MIB) failed = true;
}

/** Peak memory of a process; 0 once it has ended. */
async function peakMiB(pid: number | undefined): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024);
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}
