/** A catalog restored from a backup: archives uploaded since then stay in the store. */
import assert from 'node:assert/strict';
import { cp, link, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { adminOf } from '../support/admin.ts';
import { type Api, apiOf } from '../support/api.ts';
import { jobsOf } from '../support/jobs.ts';
import { patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import type { TestServer } from '../support/server.ts';
import { storeFiles } from '../support/store-files.ts';
import { readNote } from '../support/store-reader.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

const SMALL = 900;
const LARGE = 300_000;

function running(t: TestContext, data: string, flags: readonly string[] = []): Promise<TestServer> {
  return serverFor(t, { data, flags });
}

/** Copies the catalog of a stopped server, or restores such a copy. */
async function copyCatalog(data: string, from: string, to: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(join(data, `${to}${suffix}`), { force: true });
  for (const suffix of ['', '-wal'])
    await cp(join(data, `${from}${suffix}`), join(data, `${to}${suffix}`)).catch(() => {});
}

/** Copies the catalog of a running server, as a backup does. */
async function hotCopy(data: string): Promise<void> {
  for (const suffix of ['', '-wal'])
    await cp(join(data, `catalog.sqlite${suffix}`), join(data, `copy.sqlite${suffix}`)).catch(() => {});
}

const notedNumber = async (data: string): Promise<number> =>
  JSON.parse(await readNote(join(data, 'store', 'notes', 'commit-number'))).number;

/** Leaves what a power cut may leave: markers with place 0, and links to whole blobs in `incoming/`. */
async function leaveAsPowerCut(data: string): Promise<void> {
  const store = join(data, 'store');
  for (const pack of (await readdir(join(store, 'packs'))).filter((name) => name.endsWith('.pack')))
    await writeFile(join(store, 'incoming', pack.replace('.pack', '.open')), '0'.repeat(20));
  for (const folder of await readdir(join(store, 'blobs'))) {
    for (const name of await readdir(join(store, 'blobs', folder)))
      await link(join(store, 'blobs', folder, name), join(store, 'incoming', name)).catch(() => {});
  }
}

async function uploadSome(api: Api, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await api.upload('v', patternBytes(SMALL + i));
    await api.upload('v', patternBytes(LARGE + i));
  }
}

async function assertReadable(api: Api, id: string): Promise<void> {
  const jobs = jobsOf(api);
  const { status } = await jobs.output('v', await jobs.startRetrieval('v', id));
  assert.equal(status, 200);
}

/** A folder whose server was killed after some uploads, with a copy of the catalog from before them (`copy.sqlite`). */
async function killedAfterUploads(t: TestContext): Promise<{ data: string; refs: string[] }> {
  const data = await folderFor(t);
  const first = await running(t, data);
  await apiOf(first).createVault('v');
  await apiOf(first).upload('v', 'known to both');
  assert.equal(await first.stop(), 0);
  await copyCatalog(data, 'catalog.sqlite', 'copy.sqlite');
  const before = new Set((await storeFiles(data)).blobs);
  const second = await running(t, data);
  const noted = await notedNumber(data);
  await uploadSome(apiOf(second), 5);
  await eventually('a greater number in the store', async () => (await notedNumber(data)) > noted, 30_000);
  await second.kill();
  await leaveAsPowerCut(data);
  const refs = (await storeFiles(data)).blobs.filter((ref) => !before.has(ref));
  assert.equal(refs.length, 10);
  await copyCatalog(data, 'copy.sqlite', 'catalog.sqlite');
  return { data, refs };
}

async function assertAllThere(data: string, refs: readonly string[]): Promise<void> {
  const there = new Set((await storeFiles(data)).blobs);
  assert.deepEqual(
    refs.filter((ref) => !there.has(ref)),
    [],
  );
}

describe('a catalog from before some uploads, over the store after a power cut', () => {
  it('is detected; starts keep all blobs, and accepting the catalog sets them aside', async (t) => {
    const { data, refs } = await killedAfterUploads(t);
    for (let starts = 0; starts < 2; starts++) {
      const server = await running(t, data);
      await apiOf(server).upload('v', 'goes on');
      assert.equal(await server.stop(), 0);
      assert.match(server.errors(), /the catalog is older than the store/);
      await assertAllThere(data, refs);
    }
    const admin = adminOf(data);
    assert.deepEqual(await admin.run('store', 'aside'), []);
    await admin.run('catalog', 'accept');
    const accepted = await running(t, data);
    assert.doesNotMatch(accepted.errors(), /older than the store/);
    assert.match(accepted.errors(), /"aside":10,.*they were set aside/);
    assert.equal(await accepted.stop(), 0);
    await assertAllThere(data, refs);
    const aside = (await admin.run('store', 'aside')).map((line) => JSON.parse(line));
    assert.deepEqual(aside.map(({ ref }) => ref).sort(), [...refs].sort());
    assert.deepEqual([aside[0].kind, aside[0].vault], ['archive', 'v']);
    // Once --keep-aside is over they are removed, each with a line in the log.
    const last = await running(t, data, ['--keep-aside', '0s']);
    await eventually('the blobs set aside to be removed', async () => {
      const there = new Set((await storeFiles(data)).blobs);
      return refs.every((ref) => !there.has(ref));
    });
    assert.equal(await last.stop(), 0);
    assert.equal(last.errors().match(/removed a blob that had been set aside/g)?.length, 10);
    assert.deepEqual(await admin.run('store', 'aside'), []);
  });
});

describe('an undetectably older catalog: it lacks one upload, and a kill came before its number was noted', () => {
  for (const [kind, size] of [
    ['small', SMALL],
    ['large', LARGE],
  ] as const) {
    it(`keeps the blob of a ${kind} archive, which the newest catalog finds again`, async (t) => {
      const data = await folderFor(t);
      const first = await running(t, data);
      await apiOf(first).createVault('v');
      await hotCopy(data);
      const id = await apiOf(first).upload('v', patternBytes(size));
      await first.kill();
      await rm(join(data, 'store', 'notes', 'commit-number'), { force: true });
      await leaveAsPowerCut(data);
      await copyCatalog(data, 'catalog.sqlite', 'newest.sqlite');
      await copyCatalog(data, 'copy.sqlite', 'catalog.sqlite');
      const unaware = await running(t, data);
      assert.doesNotMatch(unaware.errors(), /older than the store/);
      assert.match(unaware.errors(), /"aside":1,/);
      assert.equal(await unaware.stop(), 0);
      assert.equal((await storeFiles(data)).blobs.length, 1);
      await copyCatalog(data, 'newest.sqlite', 'catalog.sqlite');
      const again = await running(t, data);
      await assertReadable(apiOf(again), id);
      assert.equal(await again.stop(), 0);
      await adminOf(data).run('catalog', 'accept');
      // A blob that the catalog names again is not removed, however long ago it was set aside.
      const last = await running(t, data, ['--keep-aside', '0s']);
      const aside = () => readdir(join(data, 'store', 'aside'));
      await eventually(
        'the list of blobs set aside to be empty',
        async () => (await aside()).length === 0,
        30_000,
      );
      await assertReadable(apiOf(last), id);
      assert.doesNotMatch(last.errors(), /removed a blob that had been set aside/);
      await last.stop();
    });
  }
});

describe('a single upload', () => {
  it('is enough to detect an older catalog, after a stop and after a kill', async (t) => {
    for (const end of ['stop', 'kill'] as const) {
      const data = await folderFor(t);
      const first = await running(t, data);
      await apiOf(first).createVault('v');
      await first.stop();
      const second = await running(t, data);
      const noted = await notedNumber(data);
      await hotCopy(data);
      await apiOf(second).upload('v', 'x');
      if (end === 'kill')
        await eventually('a number in the store', async () => (await notedNumber(data)) > noted);
      await second[end]();
      await copyCatalog(data, 'copy.sqlite', 'catalog.sqlite');
      const third = await running(t, data);
      assert.match(third.errors(), /the catalog is older than the store/, end);
      await third.stop();
      assert.equal((await storeFiles(data)).blobs.length, 1);
    }
  });
});
