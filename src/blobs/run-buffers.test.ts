import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { readyFolder, storeOver } from '../../test/support/disk-store.ts';
import { nodeHash } from '../hashing/node-hash.ts';
import { LEAF_BYTES as MIB } from '../treehash/index.ts';
import { collect, readBlob, someBytes, storeBlob } from './contract.ts';
import { type RunBuffer, RunBuffers } from './run-buffers.ts';

const WIDE = 16;
/** As many as there are wide ones. */
const AT_ONCE = 6;
const MUCH = 1000 * MIB;

const sizes = (taken: readonly RunBuffer[]) => taken.map(({ bytes }) => bytes.length / MIB);
const take = (buffers: RunBuffers, count: number) => Array.from({ length: count }, () => buffers.take(MUCH));

describe('buffers for runs of leaves', () => {
  it('are as long as the engine likes, while there are some left, and short then', () => {
    const buffers = new RunBuffers({ narrow: 2, wide: WIDE, wideBuffers: AT_ONCE });
    const taken = take(buffers, AT_ONCE + 2);
    assert.deepEqual(sizes(taken), [...Array(AT_ONCE).fill(WIDE), 2, 2]);
    taken[0]?.giveBack();
    taken[1]?.leave();
    assert.deepEqual(sizes(take(buffers, 3)), [WIDE, WIDE, 2]);
    taken[AT_ONCE]?.giveBack();
    assert.deepEqual(sizes(take(buffers, 1)), [2]);
  });

  it('are short for engines that gain nothing by long ones', () => {
    for (const leavesAtOnce of [1, 2])
      assert.deepEqual(
        sizes(take(new RunBuffers({ narrow: 2, wide: leavesAtOnce, wideBuffers: AT_ONCE }), 8)),
        Array(8).fill(2),
      );
  });

  it('are never longer than what is left to be read', () => {
    const buffers = new RunBuffers({ narrow: 2, wide: WIDE, wideBuffers: AT_ONCE });
    for (const bytes of [1, 65_535, 65_536, MIB, 2 * MIB])
      assert.equal(buffers.take(bytes).bytes.length, bytes);
    assert.deepEqual(sizes([buffers.take(WIDE * MIB - 1), buffers.take(WIDE * MIB)]), [2, WIDE]);
  });

  it('are used again when they are given back, and not when they are left', () => {
    for (const leavesAtOnce of [2, WIDE]) {
      const buffers = new RunBuffers({ narrow: 2, wide: leavesAtOnce, wideBuffers: AT_ONCE });
      const first = buffers.take(MUCH);
      first.giveBack();
      const second = buffers.take(MUCH);
      assert.equal(second.bytes.buffer, first.bytes.buffer);
      second.leave();
      assert.notEqual(buffers.take(MUCH).bytes.buffer, first.bytes.buffer);
    }
  });
});

describe('a disk store whose engine hashes sixteen leaves at once', () => {
  /** One blob of more than two long runs, and how many leaves its runs have in turn. */
  async function stored(t: TestContext) {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder, undefined, { ...nodeHash, leavesAtOnce: WIDE });
    const bytes = someBytes(35 * MIB + 11);
    return { store, bytes, ref: await storeBlob(store, bytes) };
  }

  it('gives long runs, and the rest in short ones', async (t) => {
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

  it('gives many readers at once what they ask for, and long runs again when they have gone early', async (t) => {
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
});
