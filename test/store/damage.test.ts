/** Damaged blobs: damage is detected, marked and logged, and only the damaged bytes are lost. */
import assert from 'node:assert/strict';
import { copyFile, open, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { digestOf } from '../support/download.ts';
import { type Jobs, jobsOf } from '../support/jobs.ts';
import { placeOf } from '../support/pack-reader.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';

const SIZE = 6.5 * MIB;
const PATTERN = patternBytes(SIZE);
const TREE_HASH = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';

let server: TestServer;
let api: Api;
let jobs: Jobs;
let catalog: DatabaseSync;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  jobs = jobsOf(api);
  catalog = new DatabaseSync(join(server.data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
  await api.createVault('v');
});
after(async () => {
  catalog.close();
  await server.stop();
});

const pathOf = (ref: unknown) => join(server.data, 'store', 'blobs', String(ref).slice(-2), String(ref));

/** Uploads the pattern in one request; returns the archive, a job for it, and its blob's file. */
async function single() {
  const id = await api.upload('v', PATTERN);
  const row = catalog.prepare('select ref from archives where id = ?').get(id);
  return { id, jobId: await jobs.startRetrieval('v', id), path: pathOf(row?.['ref']) };
}

/** The same in parts of 2 MiB, with the file of each. */
async function multipart() {
  const uploadId = await api.initiate('v', 2 * MIB);
  for (let at = 0; at < SIZE; at += 2 * MIB)
    await api.putPart('v', uploadId, at, PATTERN.subarray(at, at + 2 * MIB));
  const { headers } = await api.complete('v', uploadId, SIZE, TREE_HASH);
  const id = headers['x-amz-archive-id'] ?? '';
  const row = catalog.prepare('select upload_no from archives where id = ?').get(id);
  const parts = catalog
    .prepare('select ref from parts where upload_no = ? order by first')
    .all(Number(row?.['upload_no']));
  return { id, jobId: await jobs.startRetrieval('v', id), paths: parts.map(({ ref }) => pathOf(ref)) };
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 1;
  await file.write(byte, 0, 1, at);
  await file.close();
}

const isMarked = (id: string) =>
  catalog.prepare('select damaged_ms from archives where id = ?').get(id)?.['damaged_ms'] !== null;

async function assertRefused(id: string, jobId: string, range?: string): Promise<void> {
  const headers = range === undefined ? {} : { range };
  const answer = await api.call('GET', `/-/vaults/v/jobs/${jobId}/output`, { headers });
  assert.equal(answer.status, 500);
  assert.deepEqual(Object.keys(answer.json()), ['code', 'message', 'type']);
  assert.deepEqual([answer.json()['code'], answer.json()['type']], ['ServiceUnavailableException', 'Server']);
  for (const name of ['content-range', 'x-amz-sha256-tree-hash', 'accept-ranges'])
    assert.equal(answer.headers[name], undefined, name);
  assert.ok(isMarked(id));
}

/** Asserts a 200 with the whole length, at most `at` bytes, all valid, and a cut connection. */
async function assertBrokenOff(id: string, jobId: string, at: number): Promise<void> {
  const { status, headers, bytes, complete } = await jobs.output('v', jobId);
  assert.deepEqual([status, complete, headers['content-length']], [200, false, String(SIZE)]);
  assert.ok(bytes.length <= at, `${bytes.length} bytes`);
  assert.equal(digestOf(bytes), digestOf(PATTERN.subarray(0, bytes.length)));
  assert.ok(isMarked(id));
}

async function assertGood(jobId: string, first: number, last: number): Promise<void> {
  const { status, bytes, complete } = await jobs.output('v', jobId, `bytes=${first}-${last}`);
  assert.deepEqual([status, complete], [206, true]);
  assert.equal(digestOf(bytes), digestOf(PATTERN.subarray(first, last + 1)));
}

describe('a changed byte', () => {
  it('in the first leaf gets a 500 instead of the output', async () => {
    const { id, jobId, path } = await single();
    assert.equal(isMarked(id), false);
    await flip(path, 5);
    await assertRefused(id, jobId);
    await assertRefused(id, jobId, 'bytes=0-9');
    await assertRefused(id, jobId, 'bytes=1000-1048575');
    await assertGood(jobId, MIB, SIZE - 1);
    await eventually('a line in the log', () => server.errors().includes('request failed'));
    await flip(path, 5);
    await assertGood(jobId, 0, SIZE - 1);
  });

  it('in a later leaf cuts the connection before any byte of that MiB', async () => {
    const { id, jobId, path } = await single();
    await flip(path, 4 * MIB + 77);
    await assertBrokenOff(id, jobId, 4 * MIB);
    await assertGood(jobId, 0, 4 * MIB - 1);
    await assertGood(jobId, 5 * MIB, SIZE - 1);
    await assertRefused(id, jobId, `bytes=${4 * MIB + 500}-${4 * MIB + 600}`);
  });

  it('in a later part cuts the connection before any byte of its MiB', async () => {
    const { id, jobId, paths } = await multipart();
    assert.equal(paths.length, 4);
    await flip(paths[2] as string, MIB + 1);
    await assertBrokenOff(id, jobId, 5 * MIB);
    await assertGood(jobId, 0, 5 * MIB - 1);
    await assertGood(jobId, 6 * MIB, SIZE - 1);
    await assertRefused(id, jobId, `bytes=${5 * MIB}-`);
  });

  it('in the leaves of a blob gets a 500 for a ranged job, which needs them', async () => {
    const { id, path } = await single();
    await flip(path, SIZE + 3);
    const Type = 'archive-retrieval';
    const answer = await jobs.initiate('v', { Type, ArchiveId: id, RetrievalByteRange: '0-2097151' });
    assert.equal(answer.status, 500, answer.text);
    assert.ok(isMarked(id));
    await flip(path, SIZE + 3);
    const again = await jobs.startRetrieval('v', id, { RetrievalByteRange: '0-2097151' });
    assert.equal((await jobs.output('v', again)).status, 200);
  });
});

describe('a changed file', () => {
  it('that is cut short, empty, missing or another blob’s gets a 500, until it is restored', async () => {
    const { id, jobId, path } = await single();
    const other = await single();
    const kept = `${path}.kept`;
    await copyFile(path, kept);
    for (const spoil of [
      () => truncate(path, 3 * MIB),
      () => truncate(path, SIZE),
      () => truncate(path, 63),
      () => truncate(path, 0),
      () => rm(path),
      () => writeFile(path, PATTERN),
    ]) {
      await spoil();
      await assertRefused(id, jobId);
      await copyFile(kept, path);
    }
    const smaller = await api.upload('v', PATTERN.subarray(0, MIB));
    const row = catalog.prepare('select ref from archives where id = ?').get(smaller);
    await copyFile(pathOf(row?.['ref']), path);
    await assertRefused(id, jobId);
    await rename(kept, path);
    await assertGood(jobId, 0, SIZE - 1);
    await assertGood(other.jobId, 0, SIZE - 1);
  });

  it('that holds another part of the same archive cuts the download', async () => {
    const { id, jobId, paths } = await multipart();
    await copyFile(paths[0] as string, paths[1] as string);
    await assertBrokenOff(id, jobId, 2 * MIB);
    await assertRefused(id, jobId, `bytes=${2 * MIB}-${3 * MIB}`);
    await assertGood(jobId, 4 * MIB, SIZE - 1);
  });

  it('of an inventory’s output gets a 500', async () => {
    const jobId = await jobs.startInventory('v');
    await jobs.untilDone('v', jobId);
    const row = catalog.prepare('select ref from jobs where id = ?').get(jobId);
    await flip(pathOf(row?.['ref']), 10);
    assert.equal((await api.call('GET', `/-/vaults/v/jobs/${jobId}/output`)).status, 500);
  });
});

describe('a small archive, which shares its file with others', () => {
  it('gets a 500 wherever it was damaged, and the others are served', async () => {
    const bytes = PATTERN.subarray(0, 5000);
    const ids = [await api.upload('v', bytes), await api.upload('v', bytes)] as const;
    const [jobId, other] = [await jobs.startRetrieval('v', ids[0]), await jobs.startRetrieval('v', ids[1])];
    const row = catalog.prepare('select ref from archives where id = ?').get(ids[0]);
    const place = await placeOf(join(server.data, 'store'), String(row?.['ref']));
    // Its header, data, leaf, label and footer.
    for (const at of [-64, -20, 0, 4999, 5001, 5100, place.bytes - 1]) {
      await flip(place.path, place.start + at);
      await assertRefused(ids[0], jobId);
      const { bytes: answered } = await jobs.output('v', other);
      assert.equal(digestOf(answered), digestOf(bytes));
      await flip(place.path, place.start + at);
    }
    assert.equal(digestOf((await jobs.output('v', jobId)).bytes), digestOf(bytes));
  });
});

describe('a client that disconnects during a download', () => {
  it('does not affect the server', async () => {
    const { jobId } = await single();
    for (let i = 0; i < 20; i++) {
      const { hostname, port } = new URL(api.url);
      const target = `/-/vaults/v/jobs/${jobId}/output`;
      await new Promise<void>((resolve) => {
        const outgoing = request({ hostname, port, path: target, headers: api.headersOf('GET', target) });
        outgoing.on('response', (response) => response.once('data', () => outgoing.destroy()));
        outgoing.on('close', () => resolve());
        outgoing.on('error', () => {});
        outgoing.end();
      });
    }
    await assertGood(jobId, 0, SIZE - 1);
    const unknown = await api.call('GET', '/-/vaults/v/jobs/x/output');
    assertRefusal(unknown, 404, 'ResourceNotFoundException', 'The job ID was not found: x');
  });
});

describe('many concurrent downloads', () => {
  it('each receive their own bytes', async () => {
    const { jobId } = await single();
    const whole = digestOf(PATTERN);
    const all = await Promise.all(Array.from({ length: 24 }, () => jobs.output('v', jobId)));
    for (const { bytes } of all) assert.equal(digestOf(bytes), whole);
  });
});
