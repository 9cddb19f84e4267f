/** Freeing the space of removed blobs keeps the names and bytes of the others, whatever happens meanwhile. */
import assert from 'node:assert/strict';
import { open, readdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import { collect, readBlob, someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import {
  copyOf,
  incoming,
  packFiles,
  readyFolder,
  startOver,
  storeOver,
} from '../../../test/support/disk-store.ts';
import { beforeFiles, diskError, failFiles } from '../../../test/support/failing-disk.ts';
import { BlobMissing } from '../../domain/blob-store.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { FolderFlusher } from '../../durable/folder-flusher.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import type { DiskStore } from '../disk/disk-store.ts';
import { DiskPaths } from '../disk/paths.ts';
import { PackCompactor } from './compactor.ts';
import { openPacked } from './file.ts';
import { decodeTable, HEADER_BYTES } from './format.ts';
import { PackRemovals } from './removals.ts';

const COUNT = 12;
const bytesOf = (i: number) => someBytes(200 + 700 * i, i);

/** A store over a finished pack from which the blobs of these numbers were removed. */
async function packWithout(t: TestContext, removed: readonly number[], blob = bytesOf) {
  const folder = await readyFolder(t);
  const writing = storeOver(t, folder);
  const refs: string[] = [];
  for (let i = 0; i < COUNT; i++) refs.push(await storeBlob(writing, blob(i)));
  for (const ref of refs) writing.confirm(ref);
  await writing.close();
  const store = storeOver(t, folder);
  for (const i of removed) await store.remove(refs[i] ?? '');
  const pack = join(folder, 'packs', `${refs[0]?.split('.')[0]}.pack`);
  return { folder, store, refs, pack, list: pack.replace(/pack$/, 'removed') };
}

async function assertHolds(
  store: DiskStore,
  refs: readonly string[],
  kept: readonly number[],
): Promise<void> {
  assert.deepEqual((await collect(store.list())).sort(), kept.map((i) => refs[i] ?? '').sort());
  for (const [i, ref] of refs.entries()) {
    if (kept.includes(i)) assert.deepEqual(await readBlob(store, ref), bytesOf(i));
    else await assert.rejects(store.describe(ref), BlobMissing);
  }
}

/** Where the record of this blob begins. */
function headerOf(bytes: Buffer, ref: string): number {
  const place = Number(ref.split('.')[1]);
  return decodeTable(bytes)?.get(place) ?? place;
}

const MOST = [2, 4, 5, 7, 8, 9, 10];
const REST = [0, 1, 3, 6, 11];

describe('compacting a pack', () => {
  it('frees space and keeps names and bytes, repeatedly', async (t) => {
    const { folder, store, refs, pack } = await packWithout(t, MOST);
    let { size } = await stat(pack);
    const kept = [...REST];
    for (let gone = kept.pop(); gone !== undefined; gone = kept.pop()) {
      await store.remove(refs[gone] ?? '');
      await store.compact();
      await assertHolds(store, refs, kept);
      await assertHolds(storeOver(t, folder), refs, kept);
      if (kept.length === 0) break;
      const now = await stat(pack);
      assert.ok(now.size <= size);
      ({ size } = now);
    }
    assert.deepEqual(await packFiles(folder), []);
  });

  it('skips a pack that is being written or of which less than half was removed', async (t) => {
    const { folder, store, refs, pack } = await packWithout(t, [0, 1]);
    const before = await readFile(pack);
    await store.compact();
    assert.deepEqual(await readFile(pack), before);
    const writing = storeOver(t, folder);
    const ref = await storeBlob(writing, someBytes(10));
    writing.confirm(ref);
    await writing.remove(ref);
    await store.compact();
    assert.equal((await packFiles(folder)).length, 4);
    await assertHolds(store, refs, [2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  });

  it('skips a pack that another process began after the start of the compaction', async (t) => {
    const { folder, pack } = await packWithout(t, [...MOST, ...REST]);
    const paths = new DiskPaths(folder);
    const flush = (run: () => Promise<void>) => run();
    const packsFlusher = new FolderFlusher(paths.packs, flush);
    const incomingFlusher = new FolderFlusher(paths.incoming, flush);
    t.after(() => Promise.all([packsFlusher.close(), incomingFlusher.close()]));
    const removals = new PackRemovals({ paths, flush, packsFlusher });
    const begun = paths.marker(basename(pack, '.pack'));
    const compactor = new PackCompactor({
      ...{ paths, engine: nodeHash, flush, incomingFlusher, packsFlusher, removals },
      async alone(task) {
        await writeFile(begun, '0'.padStart(20, '0'));
        await task();
      },
    });
    await compactor.compact();
    assert.ok((await stat(pack)).size > 0);
    await unlink(begun);
  });

  it('keeps all blobs readable wherever the table is damaged', async (t) => {
    const { folder, store, refs, pack } = await packWithout(t, MOST);
    await store.compact();
    const whole = await readFile(pack);
    assert.equal(whole.toString('latin1', 0, 7), 'MORTABL');
    const end = 16 + 16 * REST.length + 32;
    // Every third byte: each byte of a field is hit in one entry or another.
    for (let at = 0; at < end; at += 3) {
      const damaged = Buffer.from(whole);
      damaged[at] = (whole[at] ?? 0) ^ 0x80;
      await writeFile(pack, damaged);
      const again = storeOver(t, folder);
      for (const i of REST) assert.deepEqual(await readBlob(again, refs[i] ?? ''), bytesOf(i), `byte ${at}`);
      assert.equal((await collect(again.list())).length, REST.length, `byte ${at}`);
    }
    // Bytes that may be a damaged blob are kept.
    const spoiled = Buffer.from(whole).fill(0xff, 0, end);
    await writeFile(pack, spoiled);
    for (const i of [0, 1, 3, 6]) await store.remove(refs[i] ?? '');
    await assert.rejects(store.compact(), AggregateError);
    assert.deepEqual(await readFile(pack), spoiled);
    assert.deepEqual(await readBlob(store, refs[11] ?? ''), bytesOf(11));
  });

  it('refuses a pack in which the header of a removed blob is in the place of another', async (t) => {
    for (const isCompacted of [false, true]) {
      const { store, refs, pack } = await packWithout(t, MOST, (i) => someBytes(900, i));
      if (isCompacted) {
        await store.compact();
        for (const i of [1, 3, 6]) await store.remove(refs[i] ?? '');
      }
      const bytes = await readFile(pack);
      const at = (i: number) => headerOf(bytes, refs[i] ?? '');
      const [from, to] = isCompacted ? [at(6), at(11)] : [at(2), 0];
      bytes.copy(bytes, to, from, from + HEADER_BYTES);
      await writeFile(pack, bytes);
      await assert.rejects(store.compact(), /could not be compacted/);
      assert.deepEqual(await readFile(pack), bytes);
    }
  });

  it('refuses a pack in which nothing is recognized, although an old list covers all of it', async (t) => {
    const { store, refs, pack, list } = await packWithout(t, [0]);
    const old = await readFile(list);
    const unlike = Buffer.alloc(128, 1);
    for (const i of MOST) await store.remove(refs[i] ?? '');
    await store.compact();
    await writeFile(pack, unlike);
    await writeFile(list, old);
    await assert.rejects(store.compact(), /could not be compacted/);
    assert.deepEqual(await readFile(pack), unlike);
  });

  it('does not disturb a reader that has one of its blobs open', async (t) => {
    const { folder, store, refs } = await packWithout(t, MOST);
    const [pack = '', place] = (refs[11] ?? '').split('.');
    const { file, start, total } = await openPacked(new DiskPaths(folder), { pack, place: Number(place) });
    t.after(() => file.close());
    await store.compact();
    await store.remove(refs[11] ?? '');
    await store.remove(refs[6] ?? '');
    await store.compact();
    const bytes = await file.readAt(start, total);
    assert.deepEqual(bytes.subarray(0, bytesOf(11).length), bytesOf(11));
  });

  it('lets readers open all blobs meanwhile', async (t) => {
    const { folder, store, refs } = await packWithout(t, MOST);
    const reader = storeOver(t, folder);
    let isOver = false;
    const reading = (async () => {
      let reads = 0;
      for (; !isOver || reads < 50; reads++) {
        for (const i of [0, 1]) assert.deepEqual(await readBlob(reader, refs[i] ?? ''), bytesOf(i));
        for (const i of MOST) await assert.rejects(reader.describe(refs[i] ?? ''), BlobMissing);
      }
    })();
    for (const i of [11, 6, 3]) {
      await store.compact();
      await store.remove(refs[i] ?? '');
    }
    isOver = true;
    await reading;
  });

  it('keeps removals that are made meanwhile', async (t) => {
    const { store, refs } = await packWithout(t, MOST);
    let removing: Promise<void> | undefined;
    const { stop } = await beforeFiles(t, 'datasync', async () => {
      removing ??= store.remove(refs[11] ?? '');
      await new Promise((resolve) => setTimeout(resolve, 30));
    });
    await store.compact();
    await removing;
    stop();
    await assertHolds(store, refs, [0, 1, 3, 6]);
    await store.compact();
    await assertHolds(store, refs, [0, 1, 3, 6]);
  });
});

describe('a crash while a pack is compacted', () => {
  it('before the rename leaves the old pack, which the next run compacts', async (t) => {
    const { folder, refs, pack } = await packWithout(t, MOST);
    const half = join(folder, 'incoming', `${refs[0]?.split('.')[0]}.compacted`);
    for (const length of [0, 10, 5000]) {
      const copy = await copyOf(t, folder);
      await writeFile(half.replace(folder, copy), someBytes(length));
      const store = await startOver(t, copy, () => false);
      assert.deepEqual(await incoming(copy), []);
      await assertHolds(store, refs, REST);
      await store.compact();
      await assertHolds(store, refs, REST);
      assert.ok((await stat(pack.replace(folder, copy))).size < (await stat(pack)).size);
    }
  });

  it('after the rename leaves the new pack with the old list, which the next run removes', async (t) => {
    const { folder, store, refs, list } = await packWithout(t, MOST);
    const kept = await readFile(list);
    await store.compact();
    await writeFile(list, kept);
    const again = await startOver(t, folder, () => false);
    await assertHolds(again, refs, REST);
    await again.remove(refs[11] ?? '');
    await again.compact();
    await assertHolds(again, refs, [0, 1, 3, 6]);
  });

  it('while a pack is deleted leaves at most its list, which the next run removes', async (t) => {
    const { folder, store, refs, list } = await packWithout(t, [...MOST, ...REST]);
    const kept = await readFile(list);
    await store.compact();
    await writeFile(list, kept);
    const again = await startOver(t, folder, () => false);
    await assertHolds(again, refs, []);
    await again.compact();
    assert.deepEqual(await packFiles(folder), []);
  });
});

describe('compacting on a disk that fails', () => {
  it('leaves the old pack, and removes a new one that could not be written', async (t) => {
    const { folder, store, refs } = await packWithout(t, MOST);
    await failFiles(t, 'write', 1);
    await assert.rejects(store.compact(), AggregateError);
    assert.deepEqual(await incoming(folder), []);
    await assertHolds(store, refs, REST);
    assert.equal(store.failure(), undefined);
    await store.compact();
    await assertHolds(store, refs, REST);
    assert.equal((await packFiles(folder)).length, 1);
  });

  it('leaves the old pack when the new one cannot be flushed, and the store refuses writes', async (t) => {
    const { folder, store, refs } = await packWithout(t, MOST);
    await failFiles(t, 'datasync', 1);
    await assert.rejects(store.compact(), AggregateError);
    assert.ok(store.failure());
    assert.equal((await packFiles(folder)).length, 2);
    await assertHolds(storeOver(t, folder), refs, REST);
  });

  it('keeps a pack whose length cannot be read', async (t) => {
    const { folder, refs, pack } = await packWithout(t, MOST);
    const fs: FileSystem = {
      ...realFileSystem,
      stat: (path) => (path === pack ? Promise.reject(diskError('EIO')) : realFileSystem.stat(path)),
    };
    const failing = storeOver(t, folder, undefined, undefined, { fs });
    await assert.rejects(failing.compact(), AggregateError);
    assert.equal((await packFiles(folder)).length, 2);
    await assertHolds(storeOver(t, folder), refs, REST);
  });

  it('leaves no descriptor open', async (t) => {
    const { store } = await packWithout(t, MOST);
    await store.compact();
    const before = (await readdir('/proc/self/fd')).length;
    const { stop } = await beforeFiles(t, 'write', () => Promise.reject(new Error('EIO')));
    for (let i = 0; i < 5; i++) await store.compact().catch(() => {});
    stop();
    assert.equal((await readdir('/proc/self/fd')).length, before);
  });
});

describe('any order of storing, removing, confirming, compacting and crashing', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ does: fc.constant('store' as const), size: fc.nat({ max: 3000 }) }) },
    { weight: 4, arbitrary: fc.record({ does: fc.constant('remove' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('compact' as const) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('crash' as const), torn: fc.nat({ max: 2000 }) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant('reopen' as const) }) },
  );

  it('keeps exactly the blobs that are named', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
        const folder = await readyFolder(t);
        const named = new Map<string, Buffer>();
        let store = storeOver(t, folder);
        let seed = 0;
        for (const one of steps) {
          if (one.does === 'store') {
            const bytes = someBytes(one.size, ++seed);
            const ref = await storeBlob(store, bytes);
            named.set(ref, bytes);
            // Some confirmations are lost, because the process ends first.
            if (seed % 3 > 0) store.confirm(ref);
          } else if (one.does === 'remove') {
            const ref = [...named.keys()][one.which % Math.max(1, named.size)];
            if (ref === undefined) continue;
            named.delete(ref);
            await store.remove(ref);
          } else if (one.does === 'compact') await store.compact();
          else {
            if (one.does === 'reopen') await store.close();
            else await tear(folder, one.torn);
            store = await startOver(t, folder, (ref) => named.has(ref));
          }
        }
        assert.deepEqual((await collect(store.list())).sort(), [...named.keys()].sort());
        for (const [ref, bytes] of named) assert.deepEqual(await readBlob(store, ref), bytes);
        await store.close();
      }),
      { numRuns: Number(process.env['MORAINE_TEST_RUNS'] ?? 12) },
    );
  });

  /** Appends to each unfinished pack what a crash may leave after the flushed bytes. */
  async function tear(folder: string, bytes: number): Promise<void> {
    for (const name of await incoming(folder)) {
      const file = await open(join(folder, 'packs', name.replace('.open', '.pack')), 'a');
      await file.write(bytes % 2 ? someBytes(bytes, 7) : Buffer.alloc(bytes));
      await file.close();
    }
  }
});
