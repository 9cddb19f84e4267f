/** Reading all of a disk store: everything is read, damage is found, and what is merely gone or unfinished is not damage. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { appendFile, copyFile, open, readdir, rm, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import { packFiles, readyFolder, startOver, storeOver } from '../../../test/support/disk-store.ts';
import { diskError } from '../../../test/support/failing-disk.ts';
import { placeOf } from '../../../test/support/pack-reader.ts';
import { BlobMissing } from '../../domain/blob-store.ts';
import type { BlobDamage } from '../../domain/damage.ts';
import type { BlobVerdict, DamagedFile, ScrubbedPack } from '../../domain/scrub-store.ts';
import type { FileSystem, OpenFile } from '../../durable/file-system.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { loadNativeHash } from '../../hashing/native-hash.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import type { DiskStore } from './disk-store.ts';
import { writeIdentity } from './identity.ts';

/** Large ones, in files of their own, at the edges of leaves and of reads. */
const LARGE = [
  300_000,
  LEAF_BYTES,
  LEAF_BYTES + 1,
  4 * LEAF_BYTES,
  4 * LEAF_BYTES + 4095,
  9 * LEAF_BYTES + 123,
] as const;
const SMALL = [0, 1, 63, 4096, 100_000, 262_144] as const;

interface Scrubbed {
  readonly blobs: readonly BlobVerdict[];
  readonly files: readonly DamagedFile[];
  readonly packs: readonly ScrubbedPack[];
  /** The keys of the steps. */
  readonly keys: readonly string[];
  readonly bytes: number;
}

async function scrub(store: DiskStore, after: string | null = null, atOnce = 1): Promise<Scrubbed> {
  const blobs: BlobVerdict[] = [];
  const files: DamagedFile[] = [];
  const packs: ScrubbedPack[] = [];
  const keys: string[] = [];
  let bytes = 0;
  const rest = async (read: number) => {
    bytes += read;
  };
  for await (const step of store.scrub({ after, atOnce, rest })) {
    blobs.push(...step.blobs);
    files.push(...step.files);
    if (step.pack) packs.push(step.pack);
    if (step.upTo !== null) keys.push(step.upTo);
  }
  return { blobs, files, packs, keys, bytes };
}

const damages = ({ blobs }: Scrubbed): Record<string, readonly BlobDamage[]> =>
  Object.fromEntries(blobs.filter(({ damage }) => damage.length > 0).map(({ ref, damage }) => [ref, damage]));
const refsOf = ({ blobs }: Scrubbed): string[] => blobs.map(({ ref }) => ref);

interface Filled {
  readonly folder: string;
  readonly store: DiskStore;
  readonly large: readonly string[];
  readonly small: readonly string[];
}

/** A store with large blobs, and small ones in a pack that is finished. */
async function filled(t: TestContext, fs: FileSystem = realFileSystem, engine = nodeHash): Promise<Filled> {
  const folder = await readyFolder(t);
  await writeIdentity(folder, { storeId: 'a', catalogId: 'b', generation: 1, emulator: false }, 0);
  const writing = storeOver(t, folder);
  const large: string[] = [];
  const small: string[] = [];
  for (const size of LARGE) large.push(await storeBlob(writing, randomBytes(size)));
  for (const size of SMALL) small.push(await storeBlob(writing, randomBytes(size)));
  for (const ref of [...large, ...small]) writing.confirm(ref);
  await writing.putNote('one', '{"a":1}');
  for (let seq = 1; seq <= 3; seq++) await writing.appendEntries([{ seq, body: { type: 'x' } }]);
  await writing.close();
  return { folder, store: storeOver(t, folder, undefined, engine, { fs }), large, small };
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  await file.read(byte, 0, 1, at);
  byte[0] = (byte[0] as number) ^ 1;
  await file.write(byte, 0, 1, at);
  await file.close();
}

const pathOf = ({ folder, store }: Filled, ref: string): string => join(folder, store.fileOf(ref));
const onlyPack = async ({ folder }: Filled): Promise<string> =>
  (await packFiles(folder)).find((name) => name.endsWith('.pack')) ?? '';

const native = loadNativeHash();
for (const engine of [nodeHash, ...(native ? [native] : [])]) {
  describe(`a scrub with ${engine.name}`, () => {
    it('reads every blob once, in the order of keys, and finds nothing wrong', async (t) => {
      const at = await filled(t, realFileSystem, engine);
      for (const atOnce of [1, 3]) {
        const found = await scrub(at.store, null, atOnce);
        assert.deepEqual(refsOf(found).sort(), [...at.large, ...at.small].sort());
        assert.deepEqual([damages(found), found.files], [{}, []]);
        assert.deepEqual(found.keys, found.keys.toSorted());
        for (const { description } of found.blobs) assert.equal(description?.createdMs, 1_700_000_000_123);
        const sizes = found.blobs.map(({ description }) => description?.size ?? -1);
        assert.deepEqual(
          sizes.toSorted((a, b) => a - b),
          [...SMALL, ...LARGE].toSorted((a, b) => a - b),
        );
        const data = LARGE.reduce<number>((sum, size) => sum + size, 0);
        assert.ok(found.bytes > data, `${found.bytes} bytes`);
      }
      if (engine === native) assert.equal(typeof at.store.isDirect, 'boolean');
      else assert.equal(at.store.isDirect, false);
    });

    it('names each damaged leaf, and no other', async (t) => {
      const at = await filled(t, realFileSystem, engine);
      const [first = '', , third = '', , , last = ''] = at.large;
      await flip(pathOf(at, first), 299_999);
      await flip(pathOf(at, third), LEAF_BYTES);
      for (const leaf of [0, 3, 4, 9]) await flip(pathOf(at, last), leaf * LEAF_BYTES + 100);
      const data = (leaf: number): BlobDamage => ({ leaf, kind: 'data' });
      assert.deepEqual(damages(await scrub(at.store)), {
        [first]: [data(0)],
        [third]: [data(1)],
        [last]: [0, 3, 4, 9].map(data),
      });
      assert.deepEqual((await at.store.verify(last)).damage, [0, 3, 4, 9].map(data));
      assert.deepEqual((await at.store.verify(last, new Set([4]))).damage, [data(4)]);
    });

    it('finds damage anywhere in the description of a blob, and in its length', async (t) => {
      const at = await filled(t, realFileSystem, engine);
      const expected: Record<string, readonly BlobDamage[]> = {};
      const spoil = async (ref: string, change: (path: string, size: number) => Promise<void>) => {
        await change(pathOf(at, ref), (await stat(pathOf(at, ref))).size);
        expected[ref] = [{ leaf: null, kind: 'description' }];
      };
      const [a = '', b = '', c = '', d = '', e = ''] = at.large;
      await spoil(a, (path) => flip(path, 300_000));
      await spoil(b, (path, size) => flip(path, size - 1));
      await spoil(c, (path, size) => flip(path, size - 100));
      await spoil(d, (path, size) => truncate(path, size - 1));
      await spoil(e, (path) => appendFile(path, 'x'));
      const [f = ''] = at.large.slice(5);
      await spoil(f, (path) => truncate(path, 0));
      assert.deepEqual(damages(await scrub(at.store)), expected);
    });

    it('finds damage in a pack: data, description, header', async (t) => {
      const at = await filled(t, realFileSystem, engine);
      const [, , ofData = '', ofDescription = '', ofHeader = ''] = at.small;
      const where = async (ref: string) => placeOf(at.folder, ref);
      const [data, description, header] = [
        await where(ofData),
        await where(ofDescription),
        await where(ofHeader),
      ];
      await flip(data.path, data.start + 62);
      await flip(description.path, description.start + description.bytes - 30);
      await flip(header.path, header.start - 40);
      const found = await scrub(at.store);
      assert.deepEqual(damages(found), {
        [ofData]: [{ leaf: 0, kind: 'data' }],
        [ofDescription]: [{ leaf: null, kind: 'description' }],
      });
      const [pack] = found.packs;
      assert.deepEqual(
        at.small.map((ref) => pack?.has(ref)),
        [true, true, true, true, false, true],
      );
      assert.deepEqual((await at.store.verify(ofHeader)).damage, [{ leaf: null, kind: 'description' }]);
      assert.deepEqual((await at.store.verify(ofData)).damage, [{ leaf: 0, kind: 'data' }]);
      const path = `packs/${await onlyPack(at)}`;
      assert.deepEqual(found.files, [{ path, why: `there is no whole record at byte ${header.start - 64}` }]);
      assert.match((await at.store.verifyFile(path)) ?? '', /no whole record/);
      await flip(header.path, header.start - 40);
      assert.equal(await at.store.verifyFile(path), undefined);
    });
  });
}

describe('a scrub', () => {
  it('continues after any key, without a gap and without reading twice', async (t) => {
    const at = await filled(t);
    const whole = await scrub(at.store);
    for (const key of whole.keys) {
      const rest = await scrub(at.store, key);
      const expected = refsOf(whole).filter((ref) => at.store.scrubKey(ref) > key);
      assert.deepEqual(refsOf(rest), expected, key);
    }
  });

  it('passes over blobs that are removed while it reads, and their compacted pack', async (t) => {
    const at = await filled(t);
    const seen: BlobVerdict[] = [];
    let reads = 0;
    const rest = async () => {
      if (++reads > 1) return;
      for (const ref of [...at.large, ...at.small.slice(0, 5)]) await at.store.remove(ref);
      await at.store.compact();
    };
    for await (const { blobs, files } of at.store.scrub({ after: null, atOnce: 1, rest })) {
      seen.push(...blobs);
      assert.deepEqual(files, []);
    }
    assert.deepEqual(
      seen.filter(({ damage }) => damage.length > 0),
      [],
    );
    assert.ok(seen.length < at.large.length + at.small.length);
    await assert.rejects(at.store.verify(at.large[0] ?? ''), BlobMissing);
    await assert.rejects(at.store.verify(at.small[0] ?? ''), BlobMissing);
    assert.deepEqual(await at.store.findAbsent([...at.large, ...at.small]), at.large);
  });

  it('reads a compacted pack, and finds a damaged table', async (t) => {
    const at = await filled(t);
    for (const ref of at.small.slice(3)) await at.store.remove(ref);
    await at.store.compact();
    const found = await scrub(at.store);
    assert.deepEqual(found.files, []);
    assert.deepEqual(refsOf(found).sort(), [...at.large, ...at.small.slice(0, 3)].sort());
    const pack = await onlyPack(at);
    await flip(join(at.folder, 'packs', pack), 20);
    const spoiled = await scrub(at.store);
    assert.deepEqual(spoiled.files, [{ path: `packs/${pack}`, why: 'its table is not what was written' }]);
    assert.deepEqual([damages(spoiled), refsOf(spoiled).sort()], [{}, refsOf(found).sort()]);
  });

  it('takes the end of a pack that is being written for no damage', async (t) => {
    const folder = await readyFolder(t);
    await writeIdentity(folder, { storeId: 'a', catalogId: 'b', generation: 1, emulator: false }, 0);
    const writing = storeOver(t, folder);
    const ref = await storeBlob(writing, someBytes(5000));
    const [name = ''] = await packFiles(folder);
    await appendFile(join(folder, 'packs', name), Buffer.alloc(9000, 7));
    const found = await scrub(writing);
    assert.deepEqual([refsOf(found), found.files, damages(found)], [[ref], [], {}]);
    await writing.close();
    // The start after a crash notes the torn end as removed.
    const again = await startOver(t, folder, () => true);
    const later = await scrub(again);
    assert.deepEqual([refsOf(later), later.files], [[ref], []]);
    await appendFile(join(folder, 'packs', name), Buffer.alloc(64, 7));
    assert.equal((await scrub(again)).files.length, 1);
  });

  it('finds damage in journals, notes, identity and format', async (t) => {
    const at = await filled(t);
    const [journal = ''] = await readdir(join(at.folder, 'journal'));
    const paths = [`journal/${journal}`, 'notes/one', 'identity.json', 'format.json'];
    for (const path of paths) {
      const full = join(at.folder, path);
      await copyFile(full, `${full}.kept`);
      await flip(full, 12);
      const { files } = await scrub(at.store);
      assert.deepEqual(
        files.map((file) => file.path),
        [path],
      );
      assert.equal(typeof (await at.store.verifyFile(path)), 'string');
      await copyFile(`${full}.kept`, full);
      await rm(`${full}.kept`);
      assert.equal(await at.store.verifyFile(path), undefined);
    }
    // A crash may tear the last line.
    await appendFile(join(at.folder, 'journal', journal), 'half a li');
    assert.deepEqual((await scrub(at.store)).files, []);
    assert.equal(await at.store.verifyFile('notes/unknown'), undefined);
  });

  it('names what the disk fails to read', async (t) => {
    const bad = { path: '', from: 0, to: 0 };
    const at = await filled(t, failingFileSystem(bad));
    const [, , , , , ref = ''] = at.large;
    const whole = await scrub(at.store);
    Object.assign(bad, { path: pathOf(at, ref), from: 5 * LEAF_BYTES, to: 5 * LEAF_BYTES + 4096 });
    assert.deepEqual(damages(await scrub(at.store)), { [ref]: [{ leaf: 5, kind: 'unreadable' }] });
    Object.assign(bad, { from: 9 * LEAF_BYTES + 200, to: 9 * LEAF_BYTES + 300 });
    assert.deepEqual(damages(await scrub(at.store)), { [ref]: [{ leaf: null, kind: 'unreadable' }] });
    const [small = ''] = at.small.slice(4);
    const { path, start } = await placeOf(at.folder, small);
    Object.assign(bad, { path, from: start + 10, to: start + 20 });
    const found = await scrub(at.store);
    assert.match(found.files.map(({ why }) => why).join(), /the disk fails to read/);
    assert.deepEqual(await at.store.verify(small).then(({ damage }) => damage), [
      { leaf: null, kind: 'unreadable' },
    ]);
    bad.path = '';
    assert.deepEqual(damages(await scrub(at.store)), damages(whole));
  });
});

/** A file system whose disk fails to read these bytes. */
function failingFileSystem(bad: { path: string; from: number; to: number }): FileSystem {
  const requireGood = (path: string, position: number, length: number) => {
    if (path === bad.path && position < bad.to && position + length > bad.from) throw diskError('EIO');
  };
  const failing = (path: string, file: OpenFile): OpenFile =>
    new Proxy(file, {
      get(target, name: keyof OpenFile) {
        if (name === 'readAt')
          return async (position: number, length: number) => {
            requireGood(path, position, length);
            return target.readAt(position, length);
          };
        if (name === 'readInto')
          return async (position: number, bytes: Uint8Array, least: number) => {
            requireGood(path, position, bytes.length);
            return target.readInto(position, bytes, least);
          };
        if (name === 'readAndHash')
          return async (engine: never, position: number, bytes: Uint8Array) => {
            requireGood(path, position, bytes.length);
            return target.readAndHash(engine, position, bytes);
          };
        const member: unknown = target[name];
        return typeof member === 'function' ? member.bind(target) : member;
      },
    });
  return {
    ...realFileSystem,
    open: async (path, mode, permissions) =>
      failing(path, await realFileSystem.open(path, mode, permissions)),
  };
}
