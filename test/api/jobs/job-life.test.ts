/** Jobs from InitiateJob to 24 hours after completion: when their output is available, and the effect of deletions. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../../support/api.ts';
import { digestOf } from '../../support/download.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { type Jobs, jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import { eventually } from '../../support/poll.ts';
import { hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';
import { storeFiles } from '../../support/store-files.ts';

const BODY = patternBytes(2.5 * MIB);

let server: TestServer;
let clock: EmulatorControls;
let api: Api;
let jobs: Jobs;
before(async () => {
  server = await startEmulator({ flags: ['--job-times', 'expedited=0ms,standard=4h,bulk=8h,inventory=4h'] });
  clock = controlsOf(server);
  api = apiOf(server);
  jobs = jobsOf(api);
});
after(() => server.stop());

/** Makes a separate vault with one archive. */
async function vaultWithArchive(vault: string): Promise<string> {
  await api.createVault(vault);
  return api.upload(vault, BODY);
}

const outputOf = (vault: string, id: string) => api.call('GET', `/-/vaults/${vault}/jobs/${id}/output`);

async function assertNotAvailable(vault: string, id: string): Promise<void> {
  const text = `The job is not currently available for download: ${id}`;
  assertRefusal(await outputOf(vault, id), 400, 'InvalidParameterValueException', text);
}

async function assertGone(vault: string, id: string): Promise<void> {
  const text = `The job ID was not found: ${id}`;
  for (const place of ['', '/output']) {
    const answer = await api.call('GET', `/-/vaults/${vault}/jobs/${id}${place}`);
    assertRefusal(answer, 404, 'ResourceNotFoundException', text);
  }
}

async function assertWhole(vault: string, id: string): Promise<void> {
  const { status, bytes, complete } = await jobs.output(vault, id);
  assert.deepEqual([status, complete, digestOf(bytes)], [200, true, digestOf(BODY)]);
}

const deleteArchive = async (vault: string, id: string) =>
  assertEmpty(await api.call('DELETE', `/-/vaults/${vault}/archives/${id}`), 204);

describe('a job', () => {
  it('has output from its completion on for 24 hours, and is unknown afterwards', async () => {
    const archive = await vaultWithArchive('life');
    const retrieval = await jobs.startRetrieval('life', archive);
    const inventory = await jobs.startInventory('life');
    for (const id of [retrieval, inventory]) await assertNotAvailable('life', id);
    await clock.advance('239m');
    for (const id of [retrieval, inventory]) await assertNotAvailable('life', id);
    await clock.advance('2m');
    await assertWhole('life', retrieval);
    assert.equal((await outputOf('life', inventory)).status, 200);
    // Jobs complete at the time they were due, not at the time to which the clock was set.
    const { CompletionDate } = await jobs.describe('life', retrieval);
    const left = Date.parse(String(CompletionDate)) + 24 * 3_600_000 - Date.parse((await clock.state()).now);
    await clock.advance(`${Math.floor(left / 60_000) - 1}m`);
    await assertWhole('life', retrieval);
    assert.equal((await outputOf('life', inventory)).status, 200);
    await clock.advance('3m');
    for (const id of [retrieval, inventory]) await assertGone('life', id);
    assert.equal((await api.call('GET', '/-/vaults/life/jobs')).text, '{"JobList":[],"Marker":null}');
  });

  it('completes when it is due, in whatever steps the clock is set forward', async () => {
    const archive = await vaultWithArchive('due');
    const id = await jobs.startRetrieval('due', archive);
    await clock.advance('9h');
    const { CreationDate, CompletionDate } = await jobs.describe('due', id);
    const took = Date.parse(String(CompletionDate)) - Date.parse(String(CreationDate));
    assert.ok(took >= 4 * 3_600_000 && took < 4 * 3_600_000 + 120_000, String(took));
  });

  it('of the Expedited tier, with a job time of 0, completes before its 202 is sent', async () => {
    const archive = await vaultWithArchive('instant');
    for (let i = 0; i < 20; i++) {
      const id = await jobs.startRetrieval('instant', archive, { Tier: 'Expedited' });
      await assertWhole('instant', id);
    }
  });

  it('is deleted with its vault', async () => {
    const archive = await vaultWithArchive('going');
    const id = await jobs.startRetrieval('going', archive, { Tier: 'Expedited' });
    await jobs.startRetrieval('going', archive);
    await deleteArchive('going', archive);
    assertEmpty(await api.call('DELETE', '/-/vaults/going'), 204);
    assertRefusal(await outputOf('going', id), 404, 'ResourceNotFoundException', /^Vault not found for ARN/);
    await api.createVault('going');
    await assertGone('going', id);
    await clock.advance('9h');
    await assertGone('going', id);
  });
});

describe('deleting an archive', () => {
  it('before the job makes the job fail when it is due', async () => {
    const archive = await vaultWithArchive('before');
    await deleteArchive('before', archive);
    const id = await jobs.startRetrieval('before', archive);
    await assertNotAvailable('before', id);
    await clock.advance('5h');
    assert.equal((await jobs.describe('before', id))['StatusCode'], 'Failed');
    await assertNotAvailable('before', id);
    await clock.advance('24h');
    await assertGone('before', id);
  });

  it('while the job is in progress makes the job fail when it is due', async () => {
    const archive = await vaultWithArchive('while');
    const id = await jobs.startRetrieval('while', archive);
    await deleteArchive('while', archive);
    assert.equal((await jobs.describe('while', id))['StatusCode'], 'InProgress');
    await clock.advance('5h');
    const described = await jobs.describe('while', id);
    assert.deepEqual([described['StatusCode'], described['StatusMessage']], ['Failed', 'Failed']);
    assert.equal(
      described['ArchiveSizeInBytes'],
      BODY.length,
      'the job keeps its description of the archive',
    );
    await assertNotAvailable('while', id);
  });

  it('after the job leaves its output available until the job expires, which removes the bytes', async () => {
    const ids: string[] = [];
    await api.createVault('after');
    const single = await api.upload('after', BODY);
    const uploadId = await api.initiate('after', MIB);
    for (let at = 0; at < BODY.length; at += MIB)
      await api.putPart('after', uploadId, at, BODY.subarray(at, at + MIB));
    const treeHash = hashHeaders(BODY)['x-amz-sha256-tree-hash'] ?? '';
    const completed = await api.complete('after', uploadId, BODY.length, treeHash);
    const archives = [single, completed.headers['x-amz-archive-id'] ?? ''];
    for (const archive of archives)
      ids.push(await jobs.startRetrieval('after', archive, { Tier: 'Expedited' }));
    const { blobs: before } = await storeFiles(server.data);
    for (const archive of archives) await deleteArchive('after', archive);
    await clock.advance('23h');
    for (const id of ids) await assertWhole('after', id);
    await clock.advance('2h');
    for (const id of ids) await assertGone('after', id);
    // One blob and three parts.
    await eventually('the sweeper', async () => {
      const { blobs } = await storeFiles(server.data);
      return blobs.length <= before.length - 4;
    });
  });
});

describe('instant job times', () => {
  it('complete a retrieval before its 202, and an inventory soon after', async () => {
    const instant = await startServer();
    try {
      const there = apiOf(instant);
      await there.createVault('v');
      const archive = await there.upload('v', BODY);
      const own = jobsOf(there);
      const id = await own.startRetrieval('v', archive, { Tier: 'Bulk' });
      assert.equal((await own.describe('v', id))['StatusCode'], 'Succeeded');
      await own.untilDone('v', await own.startInventory('v'));
    } finally {
      await instant.stop();
    }
  });
});
