/** Fills a server's disk step by step and checks what the server does; for a test and for `npm run full-disk`. */
import assert from 'node:assert/strict';
import { statfs } from 'node:fs/promises';
import { type Api, apiOf } from './api.ts';
import { type Attempt, attempt, everyOperation } from './every-operation.ts';
import { jobsOf } from './jobs.ts';
import { MIB, patternBytes } from './pattern.ts';
import { eventually } from './poll.ts';
import { type Answer, hashHeaders } from './request.ts';
import { heldIn } from './reserve.ts';
import { startServer, type TestServer } from './server.ts';
import type { SmallDisk } from './small-disk.ts';

/** The status of an operation, with the reason of a refusal. */
export interface Row {
  readonly name: string;
  readonly method: string;
  readonly status: number;
  readonly reason: string;
}

export interface FullDiskStory {
  /** The answers to the 33 operations on a disk that uploads have filled. */
  readonly filled: readonly Row[];
  /** The same after another program took the last byte. Empty with a quota, because that may kill the server. */
  readonly crowded: readonly Row[];
  /** The same after the reserve was used up too. Empty with a quota. */
  readonly usedUp: readonly Row[];
  /** Uploads that were answered with 201 before the disk was full. */
  readonly uploads: number;
}

/**
 * Sizes of blobs in packs, in files written at once, and in files that bypass the page cache; the largest fills the
 * disk.
 */
const SIZES = [100_000, 700_000, 1.5 * MIB, 8 * MIB];
const UNWELL = /^The disk of the data folder (is full|refuses writes): /;
const WITHIN_MS = 120_000;
/** Whether the operation succeeds until the whole reserve is used up. */
const goesOn = (name: string, method: string): boolean =>
  method === 'GET' || method === 'DELETE' || name === 'InitiateJob';
const UPLOADS = new Set(['UploadArchive', 'UploadMultipartPart']);

/** @param tell receives progress messages. @throws AssertionError where the server deviates from docs/operating.md. */
export async function fullDiskStory(
  disk: SmallDisk,
  workers: number,
  tell: (line: string) => void,
): Promise<FullDiskStory> {
  const start = (): Promise<TestServer> =>
    startServer({ data: disk.path, flags: ['--workers', String(workers)], fullReserve: true });
  // Another program that uses up a btrfs quota may get the server killed.
  const isShared = disk.quotaBytes === undefined;
  let server = await start();
  try {
    let api = apiOf(server);
    await eventually('the reserve is whole', () => isReserveWhole(disk), WITHIN_MS);
    const first = await everyOperation(api, 'filled');
    const second = isShared ? await everyOperation(api, 'crowded') : [];
    const third = await everyOperation(api, 'again');
    const fourth = isShared ? await everyOperation(api, 'used-up') : [];
    const stored = await fillByUploads(api, disk);
    tell(`${stored.length} uploads, then 500: the disk is full`);
    await assertUnwell(api, server);
    assert.equal(first.length, 33);
    const filled = await answersTo(api, first);
    assertAnswers(filled, true);
    await assertReads(api, stored);

    const crowded: Row[] = [];
    if (isShared) {
      await disk.fill();
      tell('another program has taken the rest');
      await assertUnwell(api, server);
      crowded.push(...(await answersTo(api, second)));
      assertAnswers(crowded, false);
      await assertReads(api, stored);
    }

    await server.kill();
    await disk.fill();
    tell('killed, the rest taken again, and started');
    server = await start();
    api = apiOf(server);
    await assertUnwell(api, server);
    const those = third.filter(({ name, method }) => goesOn(name, method));
    assertAnswers(await answersTo(api, those), false);
    await assertReads(api, stored);

    const usedUp: Row[] = [];
    if (isShared) {
      await useUp(disk);
      tell('the reserve is used up');
      usedUp.push(...(await answersTo(api, fourth)));
      for (const { name, method, status, reason } of usedUp)
        if (method === 'GET') assert.equal(status, 200, `${name}: ${status} ${reason}`);
      assert.equal((await health(api)).status, 503);
    }
    await disk.unfill();

    await deleteAll(api, stored);
    await eventually(
      'there is room for uploads',
      async () => (await tryUpload(api, 100_000)).status === 201,
      WITHIN_MS,
    );
    tell('room was made through the API');
    await eventually('health is well again', async () => (await health(api)).status === 200, WITHIN_MS);
    await eventually('the reserve is whole again', () => isReserveWhole(disk), WITHIN_MS);
    for (const size of SIZES) await api.upload('full', patternBytes(size));
    tell('all came back');
    return { filled, crowded, usedUp, uploads: stored.length };
  } catch (error) {
    tell(`${server.process.signalCode} ${server.errors().slice(-4000)}`);
    throw error;
  } finally {
    await server.kill();
  }
}

interface Stored {
  readonly id: string;
  readonly size: number;
}

/** Uploads until each size is refused for lack of space. */
async function fillByUploads(api: Api, disk: SmallDisk): Promise<Stored[]> {
  await api.createVault('full');
  const stored: Stored[] = [];
  for (let before = -1; before < stored.length; ) {
    before = stored.length;
    for (const size of SIZES) {
      const answer = await tryUpload(api, size);
      if (answer.status === 201) stored.push({ id: answer.headers['x-amz-archive-id'] ?? '', size });
      else {
        assertShortage(answer);
        disk.settle();
      }
    }
  }
  return stored;
}

function tryUpload(api: Api, size: number): Promise<Answer> {
  const body = patternBytes(size);
  return api.call('POST', '/-/vaults/full/archives', { headers: hashHeaders(body), body });
}

async function assertUnwell(api: Api, server: TestServer): Promise<void> {
  for (const path of ['/_moraine/health', '/_moraine/ready']) {
    const answer = await eventually(
      `${path} tells`,
      async () => {
        const answered = await api.call('GET', path);
        return answered.status === 503 && answered;
      },
      WITHIN_MS,
    );
    assert.match(String(answer.json()['reason']), UNWELL);
    assert.ok(!answer.text.includes(server.data), 'the health page is public, so it must show no path');
  }
  await eventually(
    'the log has the reason',
    () => /"msg":"The disk of the data folder (is full|refuses)/.test(server.errors()),
    WITHIN_MS,
  );
}

/** Sends these attempts and returns the answers; uploads have a size that was refused before. */
async function answersTo(api: Api, attempts: readonly Attempt[]): Promise<Row[]> {
  const rows: Row[] = [];
  const body = patternBytes(Math.min(...SIZES));
  const headers = { ...hashHeaders(body), 'content-range': `bytes 0-${body.length - 1}/*` };
  for (const one of attempts) {
    const answer = await attempt(api, UPLOADS.has(one.name) ? { ...one, options: { body, headers } } : one);
    if (answer.status !== one.status && !isBought(answer)) assertShortage(answer);
    const reason = answer.status === one.status ? '' : String(answer.json()['message']);
    rows.push({ name: one.name, method: one.method, status: answer.status, reason });
  }
  return rows;
}

/** @param hasReserve whether the reserve is whole, so that small changes succeed. */
function assertAnswers(rows: readonly Row[], hasReserve: boolean): void {
  for (const { name, method, status, reason } of rows) {
    if (UPLOADS.has(name)) assert.equal(status, 500, `${name} was answered ${status}`);
    else if (hasReserve || goesOn(name, method)) assert.ok(status < 300, `${name}: ${status} ${reason}`);
  }
}

/** Whether earlier rounds have bought the two units allowed. */
function isBought(answer: Answer): boolean {
  return answer.status === 400 && answer.json()['code'] === 'LimitExceededException';
}

function assertShortage(answer: Answer): void {
  assert.equal(answer.status, 500, answer.text);
  const { code, type, message } = answer.json() as Record<string, string>;
  assert.deepEqual([code, type], ['ServiceUnavailableException', 'Server']);
  assert.match(message ?? '', /full|takes no more|no room|used up/);
}

async function assertReads(api: Api, stored: readonly Stored[]): Promise<void> {
  const jobs = jobsOf(api);
  for (const size of SIZES) {
    const archive = stored.find((one) => one.size === size);
    const job = await jobs.startRetrieval('full', archive?.id ?? '');
    const { bytes } = await jobs.output('full', job);
    assert.ok(bytes.equals(patternBytes(size)), 'other bytes came back');
  }
}

async function deleteAll(api: Api, stored: readonly Stored[]): Promise<void> {
  for (const { id } of stored) {
    const answer = await api.call('DELETE', `/-/vaults/full/archives/${id}`);
    assert.equal(answer.status, 204, answer.text);
  }
}

/** Acts as another program that takes all the space that the server gives up. */
async function useUp(disk: SmallDisk): Promise<void> {
  const isUsedUp = async (): Promise<boolean> => {
    await disk.fill();
    return (await heldIn(disk.path)) === 0;
  };
  await eventually('the reserve is used up', isUsedUp, WITHIN_MS);
  await disk.fill();
}

function health(api: Api): Promise<Answer> {
  return api.call('GET', '/_moraine/health');
}

/** Whether the reserve has its default size. */
async function isReserveWhole({ path, quotaBytes = Infinity }: SmallDisk): Promise<boolean> {
  const { blocks, bsize } = await statfs(path);
  return (await heldIn(path)) === Math.floor(Math.min(64 * MIB, Math.min(blocks * bsize, quotaBytes) / 16));
}
