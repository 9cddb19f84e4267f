import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StoredArchive } from '../../../src/domain/archive-catalog.ts';
import type { BlobLabel } from '../../../src/domain/blob-store.ts';
import { JOB_LIFE_MS, type Job } from '../../../src/domain/job.ts';
import type { JobFilter } from '../../../src/domain/job-catalog.ts';
import type { Paging } from '../../../src/domain/page.ts';
import { allGarbage, allPages, type Customer, type NewCustomer, refused, START_MS } from './customer.ts';
import {
  archiveJob,
  DUE_MS,
  foundJob,
  inventoryJob,
  startJob,
  storedArchive,
  TOPIC,
} from './job-fixtures.ts';

const finish = (c: Customer, nowMs = DUE_MS, limit = 1000) => c.catalog.finishArchiveJobs({ nowMs, limit });

export function jobs(customer: NewCustomer): void {
  it('are found as started', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const retrieval = archiveJob(await storedArchive(c, vault), {
      range: { first: 3, last: 7 },
      rangeHash: null,
    });
    const inventory = inventoryJob(vault, { topic: TOPIC });
    const begun = { state: 'InProgress', completedMs: null } as const;
    const found = await startJob(c, retrieval);
    assert.deepEqual(found, { ...retrieval, ...begun, no: found.no });
    const list = await startJob(c, inventory);
    assert.deepEqual(list, { ...inventory, ...begun, output: null, no: list.no });
    assert.equal(await c.catalog.findJob(vault.no, 'unknown', START_MS), undefined);
    assert.equal(await c.catalog.findJob(vault.no + 1, retrieval.id, START_MS), undefined);
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const job = archiveJob({ ...archive, vaultNo: await c.goneVault() });
    await refused('not-found', startJob(c, job));
  });

  it('complete when they are due, not earlier', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const job = await startJob(c, archiveJob(archive));
    assert.equal(await finish(c, DUE_MS - 1), 0);
    assert.deepEqual(await c.catalog.dueWork(DUE_MS - 1), { jobs: false, messages: false });
    assert.equal(await c.catalog.nextEventMs(null), DUE_MS);
    assert.deepEqual(await c.catalog.dueWork(DUE_MS), { jobs: true, messages: false });
    assert.equal(await finish(c), 1);
    assert.equal(await finish(c), 0);
    const done = { state: 'Succeeded', completedMs: DUE_MS } as const;
    assert.deepEqual(await foundJob(c, job), { ...job, ...done });
    assert.equal(await c.catalog.nextEventMs(null), DUE_MS + JOB_LIFE_MS);
  });

  it('complete at once with a job time of 0', async () => {
    const c = customer();
    const job = archiveJob(await storedArchive(c, await c.makeVault()), { dueMs: START_MS });
    const { state, completedMs } = await startJob(c, job);
    assert.deepEqual([state, completedMs], ['Succeeded', START_MS]);
  });

  it('fail if their archive is deleted meanwhile or was deleted before', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const started = [archiveJob(archive), archiveJob(archive, { archive: null })];
    for (const job of started) await startJob(c, job);
    await c.deleteArchive(archive);
    assert.equal(await finish(c), 2);
    for (const job of started) assert.equal((await foundJob(c, job)).state, 'Failed');
  });

  it('are finished in batches, in the order in which they fall due', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault());
    const started: Job[] = [];
    for (const early of [0, 2, 1])
      started.push(await startJob(c, archiveJob(archive, { dueMs: DUE_MS - early })));
    assert.equal(await finish(c, DUE_MS, 2), 2);
    const states = await Promise.all(started.map(async (job) => (await foundJob(c, job)).state));
    assert.deepEqual(states, ['InProgress', 'Succeeded', 'Succeeded']);
  });

  it('are listed newest first, page by page, filtered as requested', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await storedArchive(c, vault);
    const started: Job[] = [];
    for (let i = 0; i < 7; i++)
      started.push(await startJob(c, archiveJob(archive, { dueMs: DUE_MS + (i % 3) })));
    await finish(c);
    const now = (await Promise.all(started.map((job) => foundJob(c, job)))).reverse();
    const listed = (filter: JobFilter, limit: number) =>
      allPages(
        (page: Paging<number>) => c.catalog.listJobs(vault.no, filter, DUE_MS, page),
        ({ no }) => no,
        limit,
      );
    for (const limit of [1, 3, 50]) {
      assert.deepEqual(await listed({ state: null, completed: null }, limit), now);
      const done = now.filter(({ state }) => state === 'Succeeded');
      assert.equal(done.length, 3);
      assert.deepEqual(await listed({ state: 'Succeeded', completed: null }, limit), done);
      assert.deepEqual(await listed({ state: null, completed: true }, limit), done);
      assert.deepEqual(
        await listed({ state: null, completed: false }, limit),
        now.filter((job) => !done.includes(job)),
      );
      assert.deepEqual(await listed({ state: 'Failed', completed: true }, limit), []);
    }
  });
}

export function jobLife(customer: NewCustomer): void {
  it('ends a day after the job completed', async () => {
    const c = customer();
    const job = await startJob(c, archiveJob(await storedArchive(c, await c.makeVault())));
    await finish(c);
    const lastMs = DUE_MS + JOB_LIFE_MS - 1;
    await foundJob(c, job, lastMs);
    assert.equal(await c.catalog.findJob(job.vaultNo, job.id, lastMs + 1), undefined);
    const { rows } = await c.catalog.listJobs(job.vaultNo, { state: null, completed: null }, lastMs + 1, {
      after: null,
      limit: 9,
    });
    assert.deepEqual(rows, []);
    const expire = (endedBeforeMs: number) =>
      c.catalog.expireJobs({ endedBeforeMs, nowMs: lastMs + 1, limit: 10 });
    assert.deepEqual([await expire(DUE_MS), await expire(DUE_MS + 1), await expire(DUE_MS + 1)], [0, 1, 0]);
  });

  for (const kind of ['single', 'multipart'] as const) {
    it(`keeps the blobs of a deleted ${kind} archive from the sweeper`, async () => {
      const c = customer();
      const vault = await c.makeVault();
      const archive = kind === 'single' ? await storedArchive(c, vault) : await multipartArchive(c);
      await startJob(c, archiveJob(archive));
      await finish(c);
      await c.deleteArchive(archive);
      await c.catalog.forgetUploads({ endedBeforeMs: DUE_MS });
      assert.deepEqual(await allGarbage(c.catalog), []);
      const [ref = archive.ref ?? ''] = await c.catalog.partRefs(archive.uploadNo ?? 0, 1);
      assert.equal(
        await c.catalog.namesBlob(labelOf(c, archive), ref),
        true,
        'the start after a crash removes it',
      );
      await c.catalog.expireJobs({ endedBeforeMs: DUE_MS + 1, nowMs: DUE_MS, limit: 10 });
      const [entry] = await allGarbage(c.catalog);
      assert.deepEqual([entry?.ref, entry?.uploadNo], [archive.ref, archive.uploadNo]);
    });
  }

  it('of an inventory job ends by putting its output on the garbage list', async () => {
    const c = customer();
    const job = await startJob(c, inventoryJob(await c.makeVault()));
    await c.catalog.leaseInventoryJob({ token: 'mine', nowMs: DUE_MS, leaseMs: 10 });
    const output = { ref: 'the output', size: 5, nextMarker: null };
    await c.catalog.finishInventoryJob({ jobNo: job.no, token: 'mine', output, nowMs: DUE_MS });
    await c.catalog.expireJobs({ endedBeforeMs: DUE_MS + 1, nowMs: DUE_MS, limit: 10 });
    assert.deepEqual(
      (await allGarbage(c.catalog)).map(({ ref }) => ref),
      ['the output'],
    );
  });

  it('ends with its vault', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await storedArchive(c, vault);
    const job = await startJob(c, archiveJob(archive));
    await c.deleteArchive(archive);
    await c.deleteVault();
    assert.equal(await c.catalog.findJob(vault.no, job.id, START_MS), undefined);
    assert.equal(await finish(c), 0);
  });
}

/** The label of an archive's first blob. */
function labelOf(c: Customer, { id: archiveId, uploadNo }: StoredArchive): BlobLabel {
  const { name: vault, ...owner } = c.key();
  const facts = {
    ...owner,
    vault,
    archiveId,
    description: null,
    createdMs: START_MS,
    sequence: 1,
    offset: 0,
  };
  if (uploadNo === null) return { kind: 'archive', ...facts };
  return { kind: 'part', ...facts, uploadId: archiveId.replace('archive-of-', '') };
}

async function multipartArchive(c: Customer) {
  const vault = await c.vault();
  const { upload, declared } = await c.uploadOf(vault, 2);
  await c.complete(upload, declared);
  const found = await c.catalog.findArchive(vault.no, upload.archiveId);
  assert.ok(found);
  return found;
}

export function segments(customer: NewCustomer): void {
  it('of a single upload name its one blob', async () => {
    const c = customer();
    const archive = await storedArchive(c, await c.makeVault(), 100);
    const { rows, more } = await c.catalog.listSegments(
      archive,
      { first: 5, last: 9 },
      { after: null, limit: 5 },
    );
    const { size, treeHash, ref } = archive;
    assert.deepEqual([rows, more], [[{ first: 0, size, treeHash, ref }], false]);
  });

  it('of a multipart upload name the parts that hold the bytes, page by page', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const parts = [
      await c.putPart(upload, 0),
      await c.putPart(upload, 1),
      await c.putPart(upload, 2, { size: 9 }),
    ];
    const size = parts.reduce((sum, part) => sum + part.size, 0);
    const source = { ref: null, uploadNo: upload.no, size, treeHash: '' };
    const all = parts.map(({ first, size: bytes, treeHash, ref }) => ({ first, size: bytes, treeHash, ref }));
    const [, second, third] = parts.map(({ first }) => first) as [number, number, number];
    const spans: [number, number, typeof all][] = [
      [0, size - 1, all],
      [0, 0, all.slice(0, 1)],
      [second - 1, second, all.slice(0, 2)],
      [second, third - 1, all.slice(1, 2)],
      [third + 1, size - 1, all.slice(2)],
    ];
    for (const [first, last, expected] of spans) {
      for (const limit of [1, 2, 50]) {
        const listed = await allPages(
          (page: Paging<number>) => c.catalog.listSegments(source, { first, last }, page),
          (segment) => segment.first,
          limit,
        );
        assert.deepEqual(listed, expected, `${first}-${last}`);
      }
    }
  });
}
