/** `download` against a real server: which job it takes, how it waits, damage, interruptions. */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  type DownloadOptions,
  type DownloadProgress,
  download as downloadOf,
  type GlacierClient,
  HashMismatchError,
  JobFailedError,
  type Runtime,
  systemRuntime,
  upload,
} from '../../src/client/index.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { libraryClient } from '../support/library-client.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type TestServer, temporaryFolder } from '../support/server.ts';

const SIZE = 5.5 * MIB;
const RUN = MIB;
const PATTERN = patternBytes(SIZE);
const vaultName = 'downloads';

describe('download', () => {
  let server: TestServer;
  let emulator: EmulatorControls;
  let client: GlacierClient;
  let folder: string;
  let path: string;
  let archiveId: string;
  /** Pauses of the client that are not those of an upload. The emulator's clock goes on by each, as if it had waited. */
  let pauses: number[];
  before(async () => {
    const flags = ['--job-times', 'expedited=1m,standard=1h,bulk=5h,inventory=1h'];
    [server, folder] = await Promise.all([startEmulator({ flags }), temporaryFolder()]);
    emulator = controlsOf(server);
    const runtime: Runtime = {
      ...systemRuntime,
      random: () => 0,
      async sleep(ms) {
        pauses.push(ms);
        await emulator.advance(`${Math.ceil(ms / 1000)}s`);
      },
    };
    client = libraryClient(server, { runtime });
    await client.createVault({ vaultName });
  });
  beforeEach(async () => {
    // No pause that belongs to a request whose body the server has not asked for is recorded.
    ({ archiveId } = await upload(libraryClient(server), {
      vaultName,
      source: PATTERN,
      description: 'pattern',
    }));
    pauses = [];
    path = join(folder, 'target');
    await emulator.clearFaults();
  });
  after(async () => {
    client.close();
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const download: typeof downloadOf = (with_, options) => downloadOf(with_, { rangeSize: RUN, ...options });
  const jobs = async () =>
    (await client.listJobs({ vaultName })).jobList.filter((job) => job.archiveId === archiveId);

  async function assertTarget(expected: Buffer = PATTERN): Promise<void> {
    assert.ok(expected.equals(await readFile(path)));
    assert.deepEqual(await readdir(folder), ['target']);
  }

  /** Downloads until this many bytes are done, then stops as a user would; returns how many were received. */
  async function interrupted(bytes: number, options: Partial<DownloadOptions> = {}): Promise<number> {
    const stop = new AbortController();
    let last: DownloadProgress | undefined;
    const onProgress = (progress: DownloadProgress): void => {
      last = progress;
      if (progress.doneBytes >= bytes) stop.abort(new Error('stopped'));
    };
    const all = { vaultName, archiveId, path, parallel: 1, onProgress, ...options };
    await assert.rejects(download(client, { ...all, signal: stop.signal }), /^Error: stopped$/);
    return last?.receivedBytes ?? 0;
  }

  it('starts a job, waits with growing pauses, and writes all of the archive', async () => {
    const phases = new Set<string>();
    const onProgress = ({ phase, totalBytes }: DownloadProgress) => phases.add(`${phase} ${totalBytes}`);
    const { jobId, ...got } = await download(client, { vaultName, archiveId, path, onProgress });
    assert.deepEqual(got, {
      path,
      archiveId,
      description: 'pattern',
      size: SIZE,
      treeHash: treeHash(PATTERN),
      receivedBytes: SIZE,
    });
    await assertTarget();
    assert.deepEqual([...phases], [`waiting ${SIZE}`, `receiving ${SIZE}`]);
    const waits = pauses.filter((ms) => ms !== 1000);
    assert.deepEqual(waits.slice(0, 4), [500, 750, 1125, 1687.5]);
    assert.equal(Math.max(...waits), 150_000);
    assert.deepEqual(
      (await jobs()).map((job) => [job.jobId, job.tier]),
      [[jobId, 'Standard']],
    );
  });

  it('takes a finished job before a running one, and a running one before a new one', async () => {
    const start = (tier: 'Bulk' | 'Expedited') =>
      client.initiateJob({ vaultName, type: 'archive-retrieval', archiveId, tier });
    const bulk = await start('Bulk');
    assert.equal((await download(client, { vaultName, archiveId, path })).jobId, bulk.jobId);
    await start('Expedited');
    assert.equal((await download(client, { vaultName, archiveId, path })).jobId, bulk.jobId);
    assert.equal((await jobs()).length, 2);
  });

  it('takes a job by its id', async () => {
    const { jobId } = await client.initiateJob({
      vaultName,
      type: 'archive-retrieval',
      archiveId,
      tier: 'Expedited',
      retrievalByteRange: `0-${2 * MIB - 1}`,
    });
    const got = await download(client, { vaultName, jobId, path });
    assert.deepEqual([got.size, got.archiveId], [2 * MIB, archiveId]);
    await assertTarget(PATTERN.subarray(0, 2 * MIB));
  });

  it('fetches a range of an archive by a job of its own', async () => {
    await download(client, { vaultName, archiveId, path, tier: 'Expedited' });
    const range = { first: 4 * MIB, last: SIZE - 1 };
    const got = await download(client, { vaultName, archiveId, path, range, tier: 'Expedited' });
    assert.equal(got.size, SIZE - 4 * MIB);
    await assertTarget(PATTERN.subarray(4 * MIB));
    assert.equal((await jobs()).length, 2);
  });

  it('goes on after an interruption, and fetches no finished range again', async () => {
    const first = await interrupted(2 * RUN, { tier: 'Expedited' });
    const names = await readdir(folder);
    assert.deepEqual(names.filter((name) => name.startsWith('.')).sort(), [
      '.target.moraine-part',
      '.target.moraine-state',
    ]);
    const got = await download(client, { vaultName, archiveId, path });
    assert.ok(first + got.receivedBytes <= SIZE + RUN, `${first} + ${got.receivedBytes}`);
    assert.equal(got.receivedBytes, SIZE - 2 * RUN);
    await assertTarget();
  });

  it('fetches a range again whose bytes were changed meanwhile', async () => {
    await interrupted(2 * RUN, { tier: 'Expedited' });
    const part = join(folder, '.target.moraine-part');
    const bytes = await readFile(part);
    bytes[5] = (bytes[5] ?? 0) ^ 1;
    await writeFile(part, bytes);
    const got = await download(client, { vaultName, archiveId, path });
    assert.equal(got.receivedBytes, SIZE - RUN);
    await assertTarget();
  });

  it('begins anew where another archive was interrupted', async () => {
    await interrupted(2 * RUN, { tier: 'Expedited' });
    const other = PATTERN.subarray(1);
    const stored = await upload(client, { vaultName, source: other });
    const got = await download(client, { vaultName, archiveId: stored.archiveId, path, tier: 'Expedited' });
    assert.equal(got.receivedBytes, other.length);
    await assertTarget(other);
  });

  it('starts another job when the output of the one it took is gone, and keeps what it has', async () => {
    await interrupted(2 * RUN, { tier: 'Expedited' });
    await emulator.faultWith({ operation: 'GetJobOutput', code: 'ResourceNotFoundException' });
    const got = await download(client, { vaultName, archiveId, path, tier: 'Expedited', parallel: 1 });
    assert.equal(got.receivedBytes, SIZE - 2 * RUN);
    await assertTarget();
    assert.equal((await jobs()).length, 2);
  });

  for (const fault of [{ download: 'corrupt' }, { download: 'short' }, { cut: 'during' }])
    it(`fetches ranges again after the fault ${JSON.stringify(fault)}`, async () => {
      await emulator.faultWith({ operation: 'GetJobOutput', times: 2, ...fault });
      const got = await download(client, { vaultName, archiveId, path, tier: 'Expedited' });
      assert.equal(got.treeHash, treeHash(PATTERN));
      assert.ok(got.receivedBytes > SIZE);
      await assertTarget();
    });

  it('fails when the bytes stay wrong, and leaves the target as it was', async () => {
    await writeFile(path, 'what was here');
    await emulator.faultWith({ operation: 'GetJobOutput', times: 1000, download: 'corrupt' });
    await assert.rejects(
      download(client, { vaultName, archiveId, path, tier: 'Expedited' }),
      HashMismatchError,
    );
    assert.equal(await readFile(path, 'utf8'), 'what was here');
  });

  it('tells that a job failed', async () => {
    await client.deleteArchive({ vaultName, archiveId });
    const failing = download(client, { vaultName, archiveId, path, tier: 'Expedited' });
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof JobFailedError);
      assert.ok(error.message.startsWith(`the job ${error.job.jobId} for the archive ${archiveId} failed`));
      return true;
    });
  });

  it('ends with the reason of its signal while it waits', async () => {
    const stop = new AbortController();
    const onProgress = () => stop.abort(new Error('no time'));
    const failing = download(client, { vaultName, archiveId, path, signal: stop.signal, onProgress });
    await assert.rejects(failing, /^Error: no time$/);
  });
});
