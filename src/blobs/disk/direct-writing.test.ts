/** Large blobs that bypass the page cache have the same bytes as those written through it, whatever their size. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  archiveLabel,
  blobStoreContract,
  readBlob,
  someBytes,
  storeBlob,
} from '../../../test/support/blob-store-contract.ts';
import { incoming, readyFolder } from '../../../test/support/disk-store.ts';
import { unlessPresent } from '../../../test/support/require.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import { StoreFailure } from '../../domain/blob-store.ts';
import { takesDirect } from '../../durable/direct.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { loadNativeHash } from '../../hashing/native-hash.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import { STAGE_BYTES } from '../blob/stream.ts';
import { DiskStore } from './disk-store.ts';
import { prepareDiskStore } from './prepare.ts';

const why: string[] = [];
const native = loadNativeHash((line) => why.push(line));
const skip =
  unlessPresent(native !== undefined, `the native hash (${why.join('; ')})`) ||
  (native !== undefined && !(await isTaken(native)) && 'no O_DIRECT here');

async function isTaken(engine: HashEngine): Promise<boolean> {
  const folder = await temporaryFolder();
  const taken = await takesDirect(realFileSystem, join(folder, 'file'), alignedBuffer(engine, STAGE_BYTES));
  assert.deepEqual(await readdir(folder), []);
  await rm(folder, { recursive: true });
  return taken;
}

function alignedBuffer(engine: HashEngine, bytes: number): Buffer {
  assert.ok(engine.alignedBuffer);
  return engine.alignedBuffer(bytes);
}

/** The engine with stages of sixteen leaves, whatever suits this processor. */
function withWideStages(engine: HashEngine): HashEngine {
  return {
    name: engine.name,
    offMainThread: true,
    leavesAtOnce: engine.leavesAtOnce,
    pairLeavesAtOnce: 16,
    createPairHasher: () => engine.createPairHasher(),
    alignedBuffer: (bytes) => alignedBuffer(engine, bytes),
    hashLeavesSync: (bytes) => engine.hashLeavesSync(bytes),
    hashLeaves: (bytes) => engine.hashLeaves(bytes),
    readAndHash: (fd, position, target) => engine.readAndHash(fd, position, target),
  };
}

function storeOf(t: TestContext, folder: string, engine: HashEngine): DiskStore {
  const store = new DiskStore(folder, randomBytes, engine);
  t.after(() => store.close().catch(() => {}));
  return store;
}

if (native && !skip) {
  blobStoreContract('disk, bypassing the page cache', async () => {
    const folder = await temporaryFolder();
    await prepareDiskStore(folder);
    const store = new DiskStore(folder, randomBytes, native);
    return {
      store,
      async reopen() {
        await prepareDiskStore(folder);
        return new DiskStore(folder, randomBytes, native);
      },
      async close() {
        await store.close();
        await rm(folder, { recursive: true });
      },
    };
  });
}

describe('writing that bypasses the page cache', { skip }, () => {
  it('makes the same file as writing through it, for any size and chunks', async (t) => {
    const folder = await readyFolder(t);
    const [direct, cached] = [storeOf(t, folder, native as HashEngine), storeOf(t, folder, nodeHash)];
    const around = fc.oneof(
      fc.nat({ max: 4 }).map((stages) => stages * STAGE_BYTES),
      fc.integer({ min: LEAF_BYTES + 1, max: 4 * STAGE_BYTES }),
    );
    const size = fc
      .tuple(around, fc.integer({ min: -2, max: 2 }))
      .map(([to, off]) => Math.max(LEAF_BYTES + 1, to + off));
    await fc.assert(
      fc.asyncProperty(
        size,
        fc.integer({ min: 1000, max: 3 * STAGE_BYTES }),
        fc.nat(),
        async (bytes, chunk, seed) => {
          const data = someBytes(bytes, seed);
          const files = [];
          for (const store of [direct, cached]) {
            const ref = await storeBlob(store, data, archiveLabel(), chunk);
            files.push(await readFile(join(folder, 'blobs', ref.slice(-2), ref)));
            await store.remove(ref);
          }
          assert.ok(files[0]?.equals(files[1] as Buffer));
        },
      ),
      { numRuns: 40 },
    );
  });

  it('makes the same file with stages of sixteen leaves, even when these run out', async (t) => {
    const folder = await readyFolder(t);
    const cached = storeOf(t, folder, nodeHash);
    const direct = storeOf(t, folder, withWideStages(native as HashEngine));
    const data = [16, 32, 33, 17, 31].map((mib, i) => someBytes(mib * LEAF_BYTES + (i % 3) - 1, i));
    const refs = await Promise.all(data.flatMap((bytes) => [0, 1].map(() => storeBlob(direct, bytes))));
    for (const [i, ref] of refs.entries()) {
      const bytes = data[i >> 1] as Buffer;
      const plain = await storeBlob(cached, bytes);
      assert.deepEqual(await cached.describe(ref), await cached.describe(plain));
      assert.ok(bytes.equals(await readBlob(cached, ref)), `blob ${i}`);
    }
  });

  it('keeps concurrent blobs apart, even after some were discarded twice', async (t) => {
    const store = storeOf(t, await readyFolder(t), native as HashEngine);
    for (let i = 0; i < 3; i++) {
      const writer = await store.create(3 * STAGE_BYTES);
      await writer.write([someBytes(STAGE_BYTES + 1)]);
      await Promise.all([writer.discard(), writer.discard()]);
      await writer.discard();
    }
    const data = Array.from({ length: 12 }, (_, i) => someBytes(2 * STAGE_BYTES + 1000 + i, i));
    const refs = await Promise.all(data.map((bytes) => storeBlob(store, bytes, archiveLabel(), 300_000)));
    for (const [i, ref] of refs.entries()) {
      assert.ok((await readBlob(store, ref)).equals(data[i] as Buffer), `blob ${i}`);
    }
  });

  it('reports a failed write by the end of the blob, and leaves no file', async (t) => {
    const folder = await readyFolder(t);
    const engine = native as HashEngine;
    const refuses = async () => Promise.reject(Object.assign(new Error('ENOSPC'), { code: 'ENOSPC' }));
    const full: HashEngine = {
      ...nodeHash,
      alignedBuffer: (bytes) => alignedBuffer(engine, bytes),
      createPairHasher: () => Object.assign(engine.createPairHasher(), { writeAndHash: refuses }),
    };
    const store = storeOf(t, folder, full);
    const writer = await store.create(STAGE_BYTES + 1);
    await writer.write([someBytes(STAGE_BYTES + 1)]);
    await assert.rejects(writer.digest(), StoreFailure);
    await writer.discard();
    assert.equal(store.failure(), undefined);
    assert.deepEqual(await incoming(folder), []);
  });

  it('depends on a trial write: if that fails, as it does unaligned, all writes go through the cache', async (t) => {
    const folder = await readyFolder(t);
    assert.equal(
      await takesDirect(realFileSystem, join(folder, 'odd'), Buffer.alloc(STAGE_BYTES + 1).subarray(1)),
      false,
    );
    const engine = native as HashEngine;
    const odd: HashEngine = {
      ...nodeHash,
      createPairHasher: () => engine.createPairHasher(),
      alignedBuffer: (bytes) => alignedBuffer(engine, bytes + 1).subarray(1),
    };
    const data = someBytes(2 * STAGE_BYTES + 7);
    const store = storeOf(t, folder, odd);
    assert.ok((await readBlob(store, await storeBlob(store, data))).equals(data));
  });
});
