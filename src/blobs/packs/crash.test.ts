/** After a crash, a start finds in the packs exactly the flushed blobs. */
import assert from 'node:assert/strict';
import { appendFile, open, readFile, truncate, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { collect, readBlob, someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import {
  copyOf,
  incoming,
  packFiles,
  readyFolder,
  startOver,
  storeOver,
} from '../../../test/support/disk-store.ts';
import { beforeFiles } from '../../../test/support/failing-disk.ts';
import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import { prepareDiskStore } from '../disk/prepare.ts';

const BODIES = [someBytes(700), someBytes(5000, 1), someBytes(90, 2), someBytes(6000, 3), someBytes(300, 4)];
/** Number of blobs that were flushed and acknowledged; the others were being written at the crash. */
const FLUSHED = 2;

interface Crash {
  /** The store's folder as it was at the crash. */
  readonly folder: string;
  readonly pack: string;
  readonly marker: string;
  /** Start of each blob; the last item is the end of the pack. */
  readonly ends: readonly number[];
  readonly refs: readonly string[];
}

async function crash(t: TestContext): Promise<Crash> {
  const living = await readyFolder(t);
  const store = storeOver(t, living);
  const refs: string[] = [];
  for (const body of BODIES) refs.push(await storeBlob(store, body));
  const folder = await copyOf(t, living);
  const [name = ''] = await packFiles(folder);
  const pack = join(folder, 'packs', name);
  const marker = join(folder, 'incoming', name.replace('.pack', '.open'));
  const ends = [...refs.map((ref) => Number(ref.split('.')[1])), (await readFile(pack)).length];
  return { folder, pack, marker, ends, refs };
}

/** Asserts that a start finds the acknowledged blobs, and that the next start finds none unconfirmed. */
async function assertSound(t: TestContext, { folder, refs }: Crash, what: string): Promise<void> {
  const named = refs.slice(0, FLUSHED);
  const store = await startOver(t, folder, (ref) => named.includes(ref));
  assert.deepEqual(await collect(store.list()), named, what);
  for (const [i, ref] of named.entries()) assert.deepEqual(await readBlob(store, ref), BODIES[i], what);
  for (const ref of refs.slice(FLUSHED)) {
    const isGone = (error: unknown) => error instanceof BlobMissing || error instanceof BlobDamaged;
    await assert.rejects(store.describe(ref), isGone, what);
  }
  assert.deepEqual(await incoming(folder), [], what);
  // Torn bytes must not keep space in use: once the other blobs are removed too, all of it is freed.
  await store.remove(named[0] ?? '');
  await store.compact();
  assert.deepEqual(await readBlob(store, named[1] ?? ''), BODIES[1], what);
  await store.remove(named[1] ?? '');
  await store.compact();
  assert.deepEqual(await packFiles(folder), [], what);
  await store.close();
}

describe('a pack whose end was torn by a crash', () => {
  it('is sound when truncated to any length', async (t) => {
    const found = await crash(t);
    const [from = 0, to = 0] = [found.ends[FLUSHED], found.ends.at(-1)];
    const lengths = new Set([from, from + 1, from + 63, from + 64, from + 65, to - 1, to]);
    for (let length = from; length < to; length += 2503) lengths.add(length);
    for (const end of found.ends.slice(FLUSHED)) for (const near of [-1, 0, 1]) lengths.add(end + near);
    for (const length of lengths) {
      if (length < from || length > to) continue;
      const folder = await copyOf(t, found.folder);
      await truncate(found.pack.replace(found.folder, folder), length);
      await assertSound(t, { ...found, folder }, `${length} bytes are left`);
    }
  });

  it('is sound with zeros or garbage at its end', async (t) => {
    const found = await crash(t);
    for (const end of [Buffer.alloc(1), Buffer.alloc(10_000), someBytes(9999, 9), someBytes(63, 9)]) {
      for (const cut of [found.ends[FLUSHED], (found.ends[FLUSHED] ?? 0) + 100, found.ends.at(-1)]) {
        const folder = await copyOf(t, found.folder);
        const pack = found.pack.replace(found.folder, folder);
        await truncate(pack, cut);
        await appendFile(pack, end);
        await assertSound(t, { ...found, folder }, `${end.length} bytes behind ${cut}`);
      }
    }
  });

  it('is sound with a copy of its beginning at its end', async (t) => {
    const found = await crash(t);
    const beginning = (await readFile(found.pack)).subarray(0, 1500);
    for (const length of [200, 1500]) {
      const folder = await copyOf(t, found.folder);
      const pack = found.pack.replace(found.folder, folder);
      await truncate(pack, found.ends[FLUSHED]);
      await appendFile(pack, beginning.subarray(0, length));
      await assertSound(t, { ...found, folder }, `${length} bytes of its beginning`);
    }
  });

  it('is sound with zeros for any unflushed page', async (t) => {
    const found = await crash(t);
    const [from = 0, to = 0] = [found.ends[FLUSHED], found.ends.at(-1)];
    for (let hole = from; hole < to; hole += 2048) {
      const folder = await copyOf(t, found.folder);
      const file = await open(found.pack.replace(found.folder, folder), 'r+');
      const bytes = Math.min(4096, to - hole);
      await file.write(Buffer.alloc(bytes), 0, bytes, hole);
      await file.close();
      await assertSound(t, { ...found, folder }, `zeros from ${hole} on`);
    }
  });

  it('is sound with any marker, because markers are not flushed', async (t) => {
    const found = await crash(t);
    const judged = String(found.ends[1]).padStart(20, '0');
    for (const text of [
      '',
      '\0'.repeat(20),
      'x',
      '0'.repeat(20),
      judged,
      judged.slice(0, 10),
      '7'.repeat(20),
    ]) {
      const folder = await copyOf(t, found.folder);
      await writeFile(found.marker.replace(found.folder, folder), text);
      await assertSound(t, { ...found, folder }, `a marker that says ${JSON.stringify(text)}`);
    }
  });
});

describe('a start', () => {
  it('keeps a damaged blob that the catalog names, so that reads report the damage', async (t) => {
    const { folder, pack, ends, refs } = await crash(t);
    const bytes = await readFile(pack);
    for (const place of ends.slice(0, -1)) bytes[place + 64 + 10] = (bytes[place + 64 + 10] ?? 0) ^ 1;
    await writeFile(pack, bytes);
    const named = refs.slice(0, FLUSHED);
    const store = await startOver(t, folder, (ref) => named.includes(ref));
    assert.deepEqual(await collect(store.list()), named);
    for (const [i, ref] of named.entries()) assert.notDeepEqual(await readBlob(store, ref), BODIES[i]);
    await store.compact();
    assert.deepEqual(await collect(store.list()), named);
  });

  it('leaves an unreadable pack unconfirmed, and the next start confirms it', async (t) => {
    const found = await crash(t);
    await prepareDiskStore(found.folder);
    const store = storeOver(t, found.folder);
    const { stop } = await beforeFiles(t, 'read', async () => {
      throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    });
    assert.deepEqual(await collect(store.unconfirmed()), []);
    assert.deepEqual(await store.confirmAll(), [found.pack]);
    stop();
    assert.deepEqual(await incoming(found.folder), [basename(found.marker)]);
    await assertSound(t, found, 'the disk is readable again');
  });

  it('removes a marker without a pack', async (t) => {
    const folder = await readyFolder(t);
    await writeFile(join(folder, 'incoming', `${'a'.repeat(32)}.open`), '0'.repeat(20));
    const store = await startOver(t, folder, () => false);
    assert.deepEqual(await incoming(folder), []);
    assert.deepEqual(await collect(store.list()), []);
  });

  it('repeats its work with the same result after it was killed', async (t) => {
    const found = await crash(t);
    const half = storeOver(t, found.folder);
    await half.remove(found.refs[3] ?? '');
    await assertSound(t, found, 'killed between two confirmations');
  });

  it('finds no unconfirmed blob in a pack that was compacted after its marker was copied', async (t) => {
    const { folder, marker, refs } = await crash(t);
    const text = await readFile(marker);
    const store = await startOver(t, folder, () => true);
    for (const ref of refs.slice(0, 4)) await store.remove(ref);
    await store.compact();
    for (const judged of [text, Buffer.from(String(5632).padStart(20, '0'))]) {
      await writeFile(marker, judged);
      const again = await startOver(t, folder, () => false);
      assert.deepEqual(await collect(again.list()), refs.slice(4));
      assert.deepEqual(await readBlob(again, refs[4] ?? ''), BODIES[4]);
      assert.deepEqual(await incoming(folder), []);
    }
  });
});
