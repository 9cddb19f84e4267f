/** The largest possible archive: 10,000 parts of 4 GiB, which exist only in the catalog. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { openPostgresCatalog } from '../../../src/catalog/postgres.ts';
import { openSqliteCatalog, openSqliteWriter } from '../../../src/catalog/sqlite.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { NewPart } from '../../../src/domain/upload-catalog.ts';
import { jobMessage } from '../../../src/operations/jobs/job-description.ts';
import { type Api, apiOf } from '../../support/api.ts';
import { declare, hashOf } from '../../support/catalog-contract/customer.ts';
import { createDatabase, PATIENT_MS, skipWithoutPostgres } from '../../support/postgres.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const PARTS = 10_000;
const PART_BYTES = 4_294_967_296;
const OVERHEAD_BYTES = 32_768;
/** Number of concurrent writes to the catalog. */
const LOT = 500;

describe('a Complete of 10,000 parts', () => {
  it('makes one archive on SQLite; a repeat gets the same id', async (t) => {
    const server = await startLogging(t, []);
    // Opens the catalog while the server runs, like a command: no lock is held between commits.
    const path = join(server.data, 'catalog.sqlite');
    const catalog = openSqliteCatalog(
      path,
      await openSqliteWriter(path, { journal: async () => {}, jobMessage, generation: 'current' }),
    );
    t.after(() => catalog.close());
    await completesAll(t, server, catalog);
  });

  it('makes one archive on PostgreSQL; a repeat gets the same id', {
    skip: skipWithoutPostgres(),
  }, async (t) => {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const server = await startLogging(t, ['--catalog', url]);
    const catalog = await openPostgresCatalog({
      url,
      journal: async () => {},
      jobMessage,
      generation: 'current',
      limitMs: PATIENT_MS,
      onError: () => {},
    });
    t.after(() => catalog.close());
    await completesAll(t, server, catalog);
  });
});

async function startLogging(t: TestContext, flags: readonly string[]): Promise<TestServer> {
  const server = await startServer({ flags: ['--log-level', 'debug', ...flags] });
  t.after(() => server.stop());
  return server;
}

async function completesAll(t: TestContext, server: TestServer, catalog: Catalog): Promise<void> {
  const api = apiOf(server);
  await api.createVault('deep');
  // The first Complete of a process also compiles its code, so a small one goes first.
  await completeOf(api, await fill(api, catalog, 2));
  const upload = await fill(api, catalog, PARTS);
  const before = await residentMiB(server);
  const first = await completeOf(api, upload);
  const after = await residentMiB(server);
  assert.match(first.archiveId, /^[A-Za-z0-9_-]{138}$/);
  assert.equal(first.treeHash, upload.treeHash);
  assert.equal(upload.size, PARTS * PART_BYTES);
  assert.equal((await completeOf(api, upload)).archiveId, first.archiveId);

  const vault = (await api.call('GET', '/-/vaults/deep')).json();
  assert.equal(vault['NumberOfArchives'], 2);
  assert.equal(vault['SizeInBytes'], (PARTS + 2) * PART_BYTES + 2 * OVERHEAD_BYTES);
  assert.equal((await api.call('GET', `/-/vaults/deep/multipart-uploads/${upload.id}`)).status, 404);

  const [, inServer, repeated] = completeTimes(server);
  t.diagnostic(
    `in the server: ${inServer} ms, repeated: ${repeated} ms; as the client sees it: ${first.ms} ms`,
  );
  t.diagnostic(`resident memory before: ${before} MiB, after: ${after} MiB`);
}

interface Filled {
  readonly id: string;
  readonly size: number;
  readonly treeHash: string;
}

/** An upload of `count` parts whose rows name missing blobs, because Complete reads and moves no bytes. */
async function fill(api: Api, catalog: Catalog, count: number): Promise<Filled> {
  const id = await api.initiate('deep', PART_BYTES);
  const vault = await catalog.findVault({ account: api.accountId, region: api.region, name: 'deep' });
  const upload = await catalog.findUpload(vault?.no ?? 0, id);
  assert.ok(upload);
  const parts = Array.from({ length: count }, (_, i) => standIn(i));
  for (let at = 0; at < count; at += LOT) {
    const puts = parts
      .slice(at, at + LOT)
      .map((part) => catalog.putPart({ uploadNo: upload.no, uploadId: id, part, nowMs: Date.now() }));
    await Promise.all(puts);
  }
  return { id, ...declare(parts) };
}

function standIn(index: number): NewPart {
  const hashes = { treeHash: hashOf(`tree ${index}`), linearHash: hashOf(`linear ${index}`) };
  return { first: index * PART_BYTES, size: PART_BYTES, ...hashes, sequence: 1, ref: `stand-in-${index}` };
}

async function completeOf(api: Api, { id, size, treeHash }: Filled) {
  const began = performance.now();
  const answer = await api.complete('deep', id, size, treeHash);
  const ms = Math.round(performance.now() - began);
  assert.equal(answer.status, 201, answer.text);
  const { headers } = answer;
  return {
    archiveId: headers['x-amz-archive-id'] ?? '',
    treeHash: headers['x-amz-sha256-tree-hash'],
    ms,
  };
}

/** Duration of each Complete in the server's log. */
function completeTimes(server: TestServer): number[] {
  const lines = server
    .errors()
    .split('\n')
    .filter((line) => line.includes('CompleteMultipartUpload'));
  return lines.map((line) => (JSON.parse(line) as { ms: number }).ms);
}

/** Peak memory of the serving process; NaN if the system does not report it. */
async function residentMiB({ process }: TestServer): Promise<number> {
  const status = await readFile(`/proc/${process.pid}/status`, 'utf8').catch(() => '');
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}
