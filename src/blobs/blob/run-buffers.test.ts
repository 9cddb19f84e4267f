import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { collect, readBlob, someBytes, storeBlob } from '../../../test/support/blob-store-contract.ts';
import { readyFolder, storeOver } from '../../../test/support/disk-store.ts';
import { eventually } from '../../../test/support/poll.ts';
import { unlessPresent } from '../../../test/support/require.ts';
import { loadNativeHash } from '../../hashing/native-hash.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { LEAF_BYTES as MIB } from '../../treehash/index.ts';
import { BufferPool } from './buffer-pool.ts';
import { type RunBuffer, RunBuffers } from './run-buffers.ts';

const WIDE = 16;
/** Number of wide buffers. */
const AT_ONCE = 6;
const MUCH = 1000 * MIB;

const sizes = (taken: readonly RunBuffer[]) => taken.map(({ bytes }) => bytes.length / MIB);
const take = (buffers: RunBuffers, count: number) => Array.from({ length: count }, () => buffers.take(MUCH));

describe('buffers for runs of leaves', () => {
  it('are wide as long as wide ones are free, then short', () => {
    const buffers = new RunBuffers({ narrow: 2, wide: WIDE, wideBuffers: AT_ONCE });
    const taken = take(buffers, AT_ONCE + 2);
    assert.deepEqual(sizes(taken), [...Array(AT_ONCE).fill(WIDE), 2, 2]);
    taken[0]?.giveBack();
    taken[1]?.giveBack();
    assert.deepEqual(sizes(take(buffers, 3)), [WIDE, WIDE, 2]);
    taken[AT_ONCE]?.giveBack();
    assert.deepEqual(sizes(take(buffers, 1)), [2]);
  });

  it('are short for engines that do not benefit from long ones', () => {
    for (const leavesAtOnce of [1, 2])
      assert.deepEqual(
        sizes(take(new RunBuffers({ narrow: 2, wide: leavesAtOnce, wideBuffers: AT_ONCE }), 8)),
        Array(8).fill(2),
      );
  });

  it('are never longer than the rest of the read', () => {
    const buffers = new RunBuffers({ narrow: 2, wide: WIDE, wideBuffers: AT_ONCE });
    for (const bytes of [1, 65_535, 65_536, MIB, 2 * MIB])
      assert.equal(buffers.take(bytes).bytes.length, bytes);
    assert.deepEqual(sizes([buffers.take(WIDE * MIB - 1), buffers.take(WIDE * MIB)]), [2, WIDE]);
  });

  it('are reused after they are returned', () => {
    for (const leavesAtOnce of [2, WIDE]) {
      const buffers = new RunBuffers({ narrow: 2, wide: leavesAtOnce, wideBuffers: AT_ONCE });
      const first = buffers.take(MUCH);
      first.giveBack();
      assert.equal(buffers.take(MUCH).bytes.buffer, first.bytes.buffer);
    }
  });

  it('count as plentiful until much is in use', () => {
    const buffers = new RunBuffers({ narrow: 2, wide: WIDE, wideBuffers: AT_ONCE });
    const taken: RunBuffer[] = [];
    while (buffers.isPlenty) taken.push(buffers.take(MUCH));
    assert.equal(
      sizes(taken).reduce((sum, size) => sum + size, 0),
      160,
    );
    taken[0]?.giveBack();
    assert.ok(buffers.isPlenty);
  });
});

describe('idle buffers', () => {
  /** A pool with the checks that it scheduled. */
  function pool(kept: number) {
    const due: (() => void)[] = [];
    const made: Buffer[] = [];
    const make = (bytes: number): Buffer => {
      const buffer = Buffer.allocUnsafeSlow(bytes);
      made.push(buffer);
      return buffer;
    };
    const held = () => made.filter((buffer) => buffer.length > 0).length;
    const buffers = new BufferPool(MIB, kept, make, (_ms, run) => due.push(run));
    return { buffers, held, due, pass: () => due.shift()?.() };
  }

  it('are released after some time without use', () => {
    const { buffers, held, due, pass } = pool(10);
    const taken = Array.from({ length: 5 }, () => buffers.take());
    for (const buffer of taken) buffers.give(buffer);
    pass();
    assert.equal(held(), 5);
    // Two are in use meanwhile.
    const [one, two] = [buffers.take(), buffers.take()];
    for (const buffer of [one, two]) buffers.give(buffer);
    pass();
    assert.equal(held(), 2);
    pass();
    assert.equal(held(), 0);
    assert.equal(due.length, 0);
    assert.equal(buffers.take().length, MIB);
  });

  it('beyond the number to keep are released at once', () => {
    const { buffers, held } = pool(2);
    const taken = Array.from({ length: 5 }, () => buffers.take());
    for (const buffer of taken) buffers.give(buffer);
    assert.equal(held(), 2);
  });

  const engine = loadNativeHash();
  const alignedBuffer = engine?.alignedBuffer?.bind(engine) ?? Buffer.alloc;
  it('of aligned memory are released too', {
    skip: unlessPresent(engine !== undefined, 'the native hash'),
  }, () => {
    const due: (() => void)[] = [];
    const buffers = new BufferPool(MIB, 1, alignedBuffer, (_ms, run) => due.push(run));
    const buffer = buffers.take();
    buffers.give(buffer);
    due.shift()?.();
    due.shift()?.();
    assert.equal(buffer.length, 0);
  });
});

describe('a disk store whose engine hashes sixteen leaves at once', () => {
  /** A blob of more than two long runs, and the number of leaves of each of its runs. */
  async function stored(t: TestContext) {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder, undefined, { ...nodeHash, leavesAtOnce: WIDE });
    const bytes = someBytes(35 * MIB + 11);
    return { store, bytes, ref: await storeBlob(store, bytes) };
  }

  it('reads long runs first and the rest in short ones', async (t) => {
    const { store, bytes, ref } = await stored(t);
    const blob = await store.open(ref);
    const runs = await collect(blob.leaves(0, 35));
    assert.deepEqual(
      runs.map(({ first, bytes: run }) => [first, Math.ceil(run.length / MIB)]),
      [
        [0, 16],
        [16, 16],
        [32, 2],
        [34, 2],
      ],
    );
    await blob.close();
    assert.ok((await readBlob(store, ref)).equals(bytes));
    assert.ok(
      (await readBlob(store, ref, 3 * MIB + 1, 30 * MIB)).equals(bytes.subarray(3 * MIB + 1, 30 * MIB + 1)),
    );
  });

  it('serves many readers at once, and reads long runs again after they left early', async (t) => {
    const { store, bytes, ref } = await stored(t);
    const reads = Array.from({ length: 8 }, async (_, i) => {
      const first = i * MIB;
      if (i % 2 === 0) {
        assert.ok((await readBlob(store, ref, first)).equals(bytes.subarray(first)), `reader ${i}`);
        return;
      }
      const blob = await store.open(ref);
      const runs = blob.leaves(i, 35);
      const { value } = await runs.next();
      assert.ok(
        Buffer.from(value.bytes).equals(bytes.subarray(first, first + value.bytes.length)),
        `reader ${i}`,
      );
      await runs.return(undefined);
      await blob.close();
    });
    await Promise.all(reads);
    const blob = await store.open(ref);
    const runs = blob.leaves(0, 35);
    const { value } = await runs.next();
    assert.equal(value.bytes.length, WIDE * MIB);
    await runs.return(undefined);
    await blob.close();
  });

  it('stops reading for a reader that has left, and uses no buffer for waiting reads', async (t) => {
    const folder = await readyFolder(t);
    const reads: (() => void)[] = [];
    const engine = {
      ...nodeHash,
      readAndHash: async (...args: Parameters<typeof nodeHash.readAndHash>) => {
        await new Promise<void>((resolve) => reads.push(resolve));
        return nodeHash.readAndHash(...args);
      },
    };
    const store = storeOver(t, folder, undefined, engine);
    const ref = await storeBlob(store, someBytes(MIB));
    const blobs = await Promise.all(Array.from({ length: 50 }, () => store.open(ref)));
    const readers = blobs.map((blob) => {
      const gone = new AbortController();
      const first = blob.leaves(0, 0, gone.signal).next();
      first.catch(() => {});
      return { blob, gone, first };
    });
    await eventually('reads in progress', () => reads.length === 3);
    const why = new Error('gone');
    for (const { gone } of readers.slice(1)) gone.abort(why);
    // Waiting readers end at once, although the reads in progress are stuck.
    for (const { first } of readers.slice(3)) await assert.rejects(first, why);
    assert.equal(reads.length, 3);
    for (const go of reads) go();
    for (const { first } of readers.slice(1)) await assert.rejects(first, why);
    const { value } = (await readers[0]?.first) ?? {};
    assert.equal(value?.bytes.length, MIB);
    assert.equal(reads.length, 3);
    for (const { blob } of readers) await blob.close();
  });
});
