/** Many small blobs in a file: what they share, and how damage to one leaves the others intact. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, open, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import {
  archiveLabel,
  collect,
  eventually,
  readBlob,
  someBytes,
  storeBlob,
} from '../../../test/support/blob-store-contract.ts';
import {
  copyOf,
  incoming,
  packFiles,
  readyFolder,
  startOver,
  storeOver,
} from '../../../test/support/disk-store.ts';
import { beforeFiles, failFiles } from '../../../test/support/failing-disk.ts';
import { BlobDamaged, BlobMissing, StoreFailure } from '../../domain/blob-store.ts';
import { FolderFlusher } from '../../durable/folder-flusher.ts';
import { type DiskStore, PACKED_BYTES } from '../disk/disk-store.ts';
import { DiskPaths } from '../disk/paths.ts';
import { PackAppender } from './appender.ts';

/** Stores blobs of different lengths and contents one after the other. */
async function storeSome(store: DiskStore, count: number, seed = 0): Promise<string[]> {
  const refs: string[] = [];
  for (let i = 0; i < count; i++) refs.push(await storeBlob(store, bytesOf(i, seed)));
  return refs;
}

const bytesOf = (i: number, seed = 0) => someBytes(100 + 333 * i, seed + i);

/** The one pack in the folder. */
async function onlyPack(folder: string): Promise<string> {
  const packs = (await packFiles(folder)).filter((name) => name.endsWith('.pack'));
  assert.equal(packs.length, 1);
  return join(folder, 'packs', packs[0] ?? '');
}

/** Changes a byte of a file. */
async function spoil(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const { buffer } = await file.read(Buffer.alloc(1), 0, 1, at);
  await file.write(Buffer.of((buffer[0] ?? 0) ^ 0x10), 0, 1, at);
  await file.close();
}

const placeOf = (ref: string) => Number(ref.split('.')[1]);

describe('small blobs that arrive together', () => {
  it('share flushes; each is acknowledged only after a flush that began after its write', async (t) => {
    const store = storeOver(t, await readyFolder(t));
    await storeBlob(store, someBytes(10));
    let flushes = 0;
    let flushed = 0;
    let asked = 0;
    await beforeFiles(t, 'datasync', async () => {
      flushes++;
      // The first flush lasts until all other blobs wait.
      await eventually(async () => asked === 200);
      flushed++;
    });
    const store200 = Array.from({ length: 200 }, async (_, i) => {
      const writer = await store.create(50 + i);
      await writer.write([someBytes(50 + i, i)]);
      const before = flushed;
      asked++;
      await writer.finish(archiveLabel());
      assert.ok(flushed > before);
    });
    await Promise.all(store200);
    assert.ok(flushes <= 4, `${flushes} flushes for 200 blobs`);
  });

  it('are flushed in groups of at most 4 MiB', async (t) => {
    const store = storeOver(t, await readyFolder(t));
    let flushes = 0;
    await beforeFiles(t, 'datasync', async () => void flushes++);
    await Promise.all(Array.from({ length: 40 }, (_, i) => storeBlob(store, someBytes(PACKED_BYTES, i))));
    assert.ok(flushes >= 3, `${flushes} flushes for 10 MiB`);
  });

  it('have no files of their own, however many they are', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    await Promise.all(Array.from({ length: 100 }, (_, i) => storeBlob(store, someBytes(10, i))));
    assert.equal((await packFiles(folder)).length, 1);
    const folders = await readdir(join(folder, 'blobs'));
    for (const one of folders) assert.deepEqual(await readdir(join(folder, 'blobs', one)), []);
  });
});

describe('a full pack', () => {
  it('is followed by the next, and its marker is removed when all its blobs are confirmed', async (t) => {
    const folder = await readyFolder(t);
    const paths = new DiskPaths(folder);
    const flush = (run: () => Promise<void>) => run();
    const [incomingFlusher, packsFlusher] = [
      new FolderFlusher(paths.incoming, flush),
      new FolderFlusher(paths.packs, flush),
    ];
    const appender = new PackAppender({
      ...{ paths, random: randomBytes, flush, incomingFlusher, packsFlusher },
      packBytes: 10_000,
    });
    const names = [];
    for (let i = 0; i < 6; i++) names.push(await appender.append([someBytes(4000, i)]));
    assert.equal(new Set(names.map(({ pack }) => pack)).size, 2);
    assert.equal((await incoming(folder)).length, 2);
    for (const name of names) appender.confirm(name);
    await eventually(async () => (await incoming(folder)).length === 0);
    await appender.close();
    for (const flusher of [incomingFlusher, packsFlusher]) await flusher.close();
  });
});

describe('a clean end', () => {
  it('leaves no marker when all blobs are confirmed', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    for (const ref of await storeSome(store, 5)) store.confirm(ref);
    await store.close();
    assert.deepEqual(await incoming(folder), []);
  });

  it('leaves a marker for unconfirmed blobs', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 5);
    for (const i of [0, 1, 3]) store.confirm(refs[i] ?? '');
    await store.close();
    // The marker names one position, so the next start asks again about confirmed blobs after it.
    const asked = await collect(storeOver(t, folder).unconfirmed());
    assert.deepEqual(asked, refs.slice(2));
  });
});

describe('a damaged pack', () => {
  it('loses only the blob whose header is damaged, and compaction keeps its bytes', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 6);
    const path = await onlyPack(folder);
    for (const ref of refs) store.confirm(ref);
    await store.close();
    const again = storeOver(t, folder);
    const [victim = '', at] = [refs[2], placeOf(refs[2] ?? '') + 17];
    await spoil(path, at);
    await assert.rejects(again.describe(victim), BlobDamaged);
    await assert.rejects(again.open(victim), BlobDamaged);
    const others = refs.filter((ref) => ref !== victim);
    assert.deepEqual(await collect(again.list()), others);
    for (const ref of others) {
      assert.deepEqual(await readBlob(again, ref), bytesOf(refs.indexOf(ref)));
      await again.remove(ref);
    }
    await assert.rejects(again.compact(), (error: AggregateError) => error.errors[0] instanceof BlobDamaged);
    // Reported once: nothing has changed since.
    await again.compact();
    await spoil(path, at);
    assert.deepEqual(await readBlob(again, victim), bytesOf(2));
  });

  it('loses only the blob whose data or trailer is damaged', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 3);
    const path = await onlyPack(folder);
    const [at, next] = [placeOf(refs[1] ?? '') + 64, placeOf(refs[2] ?? '')];
    for (let place = at + bytesOf(1).length; place < next - 64; place += 5) {
      await spoil(path, place);
      await assert.rejects(store.describe(refs[1] ?? ''), BlobDamaged, `byte ${place - at}`);
      await spoil(path, place);
    }
    for (const [i, ref] of refs.entries()) assert.deepEqual(await readBlob(store, ref), bytesOf(i));
  });

  it('loses only the missing blobs when truncated', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 3);
    const path = await onlyPack(folder);
    await truncate(path, placeOf(refs[1] ?? '') + 200);
    await assert.rejects(store.describe(refs[1] ?? ''), BlobDamaged);
    await assert.rejects(store.describe(refs[2] ?? ''), BlobMissing);
    assert.deepEqual(await readBlob(store, refs[0] ?? ''), bytesOf(0));
  });
});

describe('removed blobs of a pack', () => {
  /** A closed store with the first three of six blobs removed, and the list of removals. */
  async function withRemoved(t: TestContext) {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 6);
    for (const ref of refs) store.confirm(ref);
    for (const ref of refs.slice(0, 3)) await store.remove(ref);
    await store.close();
    const name = (await packFiles(folder)).find((one) => one.endsWith('.removed')) ?? '';
    return { folder, refs, list: join(folder, 'packs', name) };
  }

  it('stay removed after the list was torn anywhere, as do blobs that are removed later', async (t) => {
    const { folder, refs, list } = await withRemoved(t);
    const whole = await readFile(list);
    assert.equal(whole.length, 48);
    for (const length of [0, 1, 7, 15, 16, 17, 31, 32, 40, 47]) {
      for (const end of [Buffer.alloc(0), Buffer.alloc(40)]) {
        await writeFile(list, Buffer.concat([whole.subarray(0, length), end]));
        const store = storeOver(t, folder);
        const counted = Math.floor(length / 16);
        assert.deepEqual(await collect(store.list()), refs.slice(counted));
        await store.remove(refs[5] ?? '');
        assert.deepEqual(await collect(store.list()), refs.slice(counted, 5));
        await assert.rejects(store.describe(refs[5] ?? ''), BlobMissing);
      }
    }
  });

  it('never include other blobs, whichever byte of the list is damaged', async (t) => {
    const { folder, refs, list } = await withRemoved(t);
    const store = storeOver(t, folder);
    for (let at = 0; at < 48; at++) {
      await spoil(list, at);
      const expected = refs.filter((_, i) => i >= 3 || i === Math.floor(at / 16));
      assert.deepEqual(await collect(store.list()), expected, `byte ${at}`);
      await spoil(list, at);
    }
  });
});

describe('a disk that fails under packs', () => {
  it('fails all writes after a failed flush, waiting ones too, and lists none of their blobs', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const kept = await storeBlob(store, someBytes(10));
    let isFailing = true;
    const flushing = Promise.withResolvers<void>();
    const waiting = Promise.withResolvers<void>();
    await beforeFiles(t, 'datasync', async () => {
      if (!isFailing) return;
      isFailing = false;
      flushing.resolve();
      await waiting.promise;
      throw new Error('EIO: i/o error, fdatasync');
    });
    const first = assert.rejects(storeBlob(store, someBytes(20)), StoreFailure);
    await flushing.promise;
    const second = await store.create(30);
    await second.write([someBytes(30)]);
    const refused = assert.rejects(second.finish(archiveLabel()), StoreFailure);
    waiting.resolve();
    await first;
    await refused;
    assert.ok(store.failure() instanceof StoreFailure);
    await assert.rejects(store.create(1), StoreFailure);
    await assert.rejects(store.remove(kept), StoreFailure);
    await assert.rejects(store.compact(), StoreFailure);
    assert.deepEqual(await readBlob(store, kept), someBytes(10));
    const again = await startOver(t, folder, (ref) => ref === kept);
    assert.deepEqual(await collect(again.list()), [kept]);
  });

  for (const method of ['sync', 'datasync'] as const) {
    it(`fails all writes when the first ${method} of a pack fails`, async (t) => {
      const folder = await readyFolder(t);
      const store = storeOver(t, folder);
      await failFiles(t, method, 1);
      await assert.rejects(storeBlob(store, someBytes(10)), StoreFailure);
      await assert.rejects(storeBlob(store, someBytes(10)), StoreFailure);
      assert.deepEqual(await collect(store.list()), []);
    });
  }

  it('loses only blobs that could not be written, and leaves no files or open descriptors', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 3);
    const { stop } = await beforeFiles(t, 'write', async () => {
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
    const opened = (await readdir('/proc/self/fd')).length;
    for (let i = 0; i < 50; i++) await assert.rejects(storeBlob(store, someBytes(1000)), StoreFailure);
    assert.equal((await readdir('/proc/self/fd')).length, opened);
    assert.equal((await packFiles(folder)).length, 1);
    stop();
    assert.equal(store.failure(), undefined);
    refs.push(await storeBlob(store, bytesOf(3)));
    assert.deepEqual(await collect(store.list()), refs);
    assert.deepEqual(await collect(store.unconfirmed()), refs);
    for (const [i, ref] of refs.entries()) assert.deepEqual(await readBlob(store, ref), bytesOf(i));
    assert.equal((await packFiles(folder)).length, 1);
  });

  it('lists a blob as unconfirmed after a crash if it took the place of a failed one', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const [kept = ''] = await storeSome(store, 1);
    store.confirm(kept);
    await eventually(async () => (await collect(storeOver(t, folder).unconfirmed())).length === 0);
    await failFiles(t, 'write', 1);
    await assert.rejects(storeBlob(store, someBytes(9000)), StoreFailure);
    // The marker is written with a delay.
    await new Promise((resolve) => setTimeout(resolve, 50));
    const loose = await storeBlob(store, someBytes(9001));
    const asked = await collect(storeOver(t, await copyOf(t, folder)).unconfirmed());
    assert.ok(asked.includes(loose));
  });

  it('removes a pack that could not be begun', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const { stop } = await beforeFiles(t, 'write', () => Promise.reject(new Error('ENOSPC')));
    for (let i = 0; i < 20; i++) await assert.rejects(storeBlob(store, someBytes(1000)), StoreFailure);
    assert.deepEqual(await packFiles(folder), []);
    assert.deepEqual(await incoming(folder), []);
    stop();
    const ref = await storeBlob(store, someBytes(1000));
    assert.deepEqual(await readBlob(store, ref), someBytes(1000));
  });

  it('continues in another pack when a half-written blob cannot be cut off', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const [kept = ''] = await storeSome(store, 1);
    await failFiles(t, 'truncate', 1);
    let writes = 0;
    const { stop } = await beforeFiles(t, 'write', async () => {
      if (writes++ === 0) throw new Error('EIO');
    });
    const path = await onlyPack(folder);
    await assert.rejects(storeBlob(store, someBytes(1000)), StoreFailure);
    stop();
    await appendFile(path, someBytes(500));
    const next = await storeBlob(store, bytesOf(1));
    assert.notEqual(next.split('.')[0], kept.split('.')[0]);
    const again = await startOver(t, folder, (ref) => ref === kept || ref === next);
    assert.deepEqual((await collect(again.list())).sort(), [kept, next].sort());
  });
});

describe('an emulator’s store after a reset', () => {
  it('has no small blobs and no unconfirmed ones, and accepts new ones', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = await storeSome(store, 3);
    store.confirm(refs[0] ?? '');
    await store.remove(refs[1] ?? '');
    await store.clear();
    assert.deepEqual(await collect(store.list()), []);
    assert.deepEqual(await collect(store.unconfirmed()), []);
    assert.deepEqual(await incoming(folder), []);
    assert.deepEqual(await packFiles(folder), []);
    for (const ref of refs) {
      store.confirm(ref);
      await store.remove(ref);
      await assert.rejects(store.describe(ref), BlobMissing);
    }
    const writer = await store.create(10);
    await writer.write([someBytes(10)]);
    const next = await writer.finish(archiveLabel());
    assert.deepEqual(await collect(store.list()), [next]);
  });
});
