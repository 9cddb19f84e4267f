import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inParallel } from './in-parallel.ts';

describe('inParallel', () => {
  it('takes no item before its work can begin', async () => {
    let held = 0;
    let most = 0;
    async function* items() {
      for (let i = 0; i < 20; i++) {
        most = Math.max(most, ++held);
        yield i;
      }
    }
    const seen: number[] = [];
    await inParallel(items(), 3, async (item) => {
      await new Promise(setImmediate);
      seen.push(item);
      held--;
    });
    assert.equal(seen.length, 20);
    assert.equal(most, 3);
  });

  it('throws the first failure once all others have ended, and begins nothing more', async () => {
    const ended: string[] = [];
    const begun: number[] = [];
    const work = inParallel([1, 2, 3, 4, 5], 2, async (item, signal) => {
      begun.push(item);
      if (item === 1) {
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        ended.push('the first was told');
        signal.throwIfAborted();
      }
      throw new RangeError(`item ${item}`);
    });
    await assert.rejects(work, /^RangeError: item 2$/);
    assert.deepEqual([begun, ended], [[1, 2], ['the first was told']]);
  });

  it('ends with the reason of an aborted signal', async () => {
    const stop = new AbortController();
    const work = inParallel([1, 2, 3], 1, async () => stop.abort(new Error('enough')), stop.signal);
    await assert.rejects(work, /^Error: enough$/);
  });

  it('closes a source that it does not read to its end', async () => {
    let closed = false;
    async function* items() {
      try {
        yield 1;
        yield 2;
      } finally {
        closed = true;
      }
    }
    await assert.rejects(
      inParallel(items(), 1, () => Promise.reject(new Error('no'))),
      /no/,
    );
    assert.ok(closed);
  });
});
