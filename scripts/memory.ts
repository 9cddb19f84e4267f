/**
 * `npm run memory`: measures how much the memory of all processes of a server grows above idle during an upload of 4 GiB,
 * and during 20 simultaneous multipart uploads. Exit code 1 if either is too much. Linux.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { foldDigests, sha256 } from '../src/treehash/index.ts';
import { type Api, apiOf } from '../test/support/api.ts';
import { MIB, patternBytes } from '../test/support/pattern.ts';
import { temporaryFolder } from '../test/support/server.ts';
import { type ServerGroup, startGroup } from '../test/support/server-group.ts';

const GIB = 1024 * MIB;
const SAMPLE_MS = 50;
const SINGLE_BYTES = 4 * GIB;
const SINGLE_RISE_MIB = 100;
const UPLOADS = 20;
const PARTS = 8;
const PART_BYTES = 16 * MIB;
const PARALLEL_RISE_MIB = 250;

/** Every body repeats this MiB, so that the client hashes only one leaf. */
const LEAF = patternBytes(MIB);

const held = [
  await measure('one body of 4 GiB', SINGLE_RISE_MIB, uploadOne),
  await measure(`${UPLOADS} concurrent multipart uploads`, PARALLEL_RISE_MIB, uploadMany),
];
if (held.includes(false)) process.exitCode = 1;

/** Runs the load on a new server. @returns whether its memory stayed within the limit. */
async function measure(
  what: string,
  boundMiB: number,
  load: (api: Api) => Promise<number>,
): Promise<boolean> {
  const data = await temporaryFolder();
  const server = await startGroup(data);
  try {
    const api = apiOf(server);
    await api.createVault('memory');
    const idle = await residentMiB(server);
    const meter = watch(server);
    const began = performance.now();
    const bytes = await load(api);
    const seconds = (performance.now() - began) / 1000;
    const rise = (await meter.stop()) - idle;
    console.log(
      `${what}: ${Math.round(rise)} MiB above idle (${Math.round(idle)} MiB in ${meter.processes()} processes), ` +
        `bound ${boundMiB} MiB; ${Math.round(bytes / MIB / seconds)} MiB/s`,
    );
    return rise < boundMiB;
  } finally {
    await server.kill();
    await rm(data, { recursive: true });
  }
}

interface Meter {
  processes(): number;
  /** Stops. @returns the greatest sum seen, in MiB. */
  stop(): Promise<number>;
}

function watch(server: ServerGroup): Meter {
  let [peak, processes] = [0, 0];
  let running = Promise.resolve();
  const sample = async () => {
    peak = Math.max(peak, await residentMiB(server));
    processes = Math.max(processes, (await server.processes()).length);
  };
  const timer = setInterval(() => {
    running = running.then(sample);
  }, SAMPLE_MS);
  return {
    processes: () => processes,
    async stop() {
      clearInterval(timer);
      await running;
      await sample();
      return peak;
    },
  };
}

/** Resident memory of all processes together. Shared memory counts for each. */
async function residentMiB(server: ServerGroup): Promise<number> {
  const sizes = (await server.processes()).map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

async function uploadOne(api: Api): Promise<number> {
  const body = bodyOf(SINGLE_BYTES);
  const status = await send(api, 'POST', '/-/vaults/memory/archives', body);
  assert.equal(status, 201);
  return SINGLE_BYTES;
}

async function uploadMany(api: Api): Promise<number> {
  const part = bodyOf(PART_BYTES);
  await Promise.all(Array.from({ length: UPLOADS }, () => uploadParts(api, part)));
  return UPLOADS * PARTS * PART_BYTES;
}

async function uploadParts(api: Api, part: Body): Promise<void> {
  const id = await api.initiate('memory', PART_BYTES);
  const target = `/-/vaults/memory/multipart-uploads/${id}`;
  for (let i = 0; i < PARTS; i++) {
    const range = { 'content-range': `bytes ${i * PART_BYTES}-${(i + 1) * PART_BYTES - 1}/*` };
    assert.equal(await send(api, 'PUT', target, part, range), 204);
  }
  const whole = foldRepeated(Buffer.from(part.treeHash, 'hex'), PARTS);
  const answer = await api.complete('memory', id, PARTS * PART_BYTES, whole);
  assert.equal(answer.status, 201, answer.text);
}

interface Body {
  readonly size: number;
  readonly treeHash: string;
  readonly linearHash: string;
}

function bodyOf(size: number): Body {
  const linear = createHash('sha256');
  for (let at = 0; at < size; at += MIB) linear.update(LEAF);
  return { size, treeHash: foldRepeated(sha256(LEAF), size / MIB), linearHash: linear.digest('hex') };
}

function foldRepeated(digest: Uint8Array, times: number): string {
  const digests = Buffer.concat(Array.from({ length: times }, () => digest));
  return Buffer.from(foldDigests(digests)).toString('hex');
}

/** Streams a body of repeated leaves. @returns the status of the response. */
async function send(
  api: Api,
  method: string,
  target: string,
  { size, treeHash, linearHash }: Body,
  more: Readonly<Record<string, string>> = {},
): Promise<number> {
  const headers = api.headersOf(method, target, {
    payloadHash: linearHash,
    headers: {
      'content-length': String(size),
      'x-amz-content-sha256': linearHash,
      'x-amz-sha256-tree-hash': treeHash,
      ...more,
    },
  });
  const { hostname, port } = new URL(api.url);
  const outgoing = request({ hostname, port, method, path: target, headers });
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0));
    });
  });
  const leaves = Readable.from(repeated(size / MIB), { objectMode: false, highWaterMark: MIB });
  await pipeline(leaves, outgoing).catch(() => {});
  return answered;
}

function* repeated(times: number): Generator<Buffer> {
  for (let i = 0; i < times; i++) yield LEAF;
}
