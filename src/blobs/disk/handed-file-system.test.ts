/** A store accesses its files only through the given file system. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { collect, readBlob, someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { DiskStore, PACKED_BYTES } from './disk-store.ts';
import { readIdentity, writeIdentity } from './identity.ts';
import { prepareDiskStore } from './prepare.ts';
import { surveyDiskStore } from './survey.ts';

/** A path that does not exist on this machine. */
const STORE = '/nowhere/store';

/** A file system in which `/nowhere` is a temporary folder. */
async function redirectedFileSystem(t: TestContext): Promise<FileSystem> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  const redirect = (value: unknown) =>
    typeof value === 'string' ? value.replace(/^\/nowhere/, folder) : value;
  const redirected = Object.entries(realFileSystem).map(
    ([name, method]: [string, (...args: never[]) => unknown]) => [
      name,
      (...args: unknown[]) => method(...(args.map(redirect) as never[])),
    ],
  );
  return Object.fromEntries(redirected) as FileSystem;
}

describe('a disk store over a given file system', () => {
  it('stores, reads, removes, compacts and restarts on that file system alone', async (t) => {
    const fs = await redirectedFileSystem(t);
    await fs.makeFolder(STORE);
    await prepareDiskStore(STORE, fs);
    const identity = { storeId: 'a', catalogId: 'b', generation: 1, emulator: false };
    await writeIdentity(STORE, identity, 0, fs);
    const sizes = [10, 2000, PACKED_BYTES + 1, 3_000_000];
    const store = new DiskStore(STORE, randomBytes, nodeHash, { fs });
    const refs: string[] = [];
    for (const size of sizes) refs.push(await storeBlob(store, someBytes(size)));
    for (const ref of refs.slice(1)) store.confirm(ref);
    await store.appendEntries([{ seq: 7, body: {} }]);
    await store.putNote('one', 'text');
    await store.close();

    await prepareDiskStore(STORE, fs);
    const again = new DiskStore(STORE, randomBytes, nodeHash, { fs });
    t.after(() => again.close());
    for (const [i, size] of sizes.entries())
      assert.deepEqual(await readBlob(again, refs[i] ?? ''), someBytes(size));
    assert.ok((await collect(again.unconfirmed())).includes(refs[0] ?? ''));
    await again.confirmAll();
    await again.remove(refs[1] ?? '');
    await again.remove(refs[2] ?? '');
    await again.compact();
    assert.deepEqual((await collect(again.list())).sort(), [refs[0] ?? '', refs[3] ?? ''].sort());
    assert.equal(await again.lastEntrySeq(), 7);
    assert.equal(await again.note('one'), 'text');
    assert.deepEqual(await readIdentity(STORE, fs), identity);
    assert.equal((await surveyDiskStore(STORE, fs)).kind, 'store');
  });
});
