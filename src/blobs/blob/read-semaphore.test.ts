import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadSemaphore } from './read-semaphore.ts';

const wanted = new AbortController().signal;

describe('a read semaphore', () => {
  it('admits reads in the order of the calls, at most a fixed number at once', async () => {
    const turns = new ReadSemaphore(2);
    const given: number[] = [];
    const asked = [0, 1, 2, 3].map((i) => turns.acquire(wanted).then(() => given.push(i)));
    await Promise.all(asked.slice(0, 2));
    assert.deepEqual([given, turns.waiting], [[0, 1], 2]);
    turns.release();
    await asked[2];
    turns.release();
    await asked[3];
    assert.deepEqual([given, turns.waiting], [[0, 1, 2, 3], 0]);
  });

  it('drops a waiting read that was cancelled', async () => {
    const turns = new ReadSemaphore(1);
    assert.equal(await turns.acquire(wanted), true);
    const gone = new AbortController();
    const [left, next] = [turns.acquire(gone.signal), turns.acquire(wanted)];
    gone.abort();
    assert.equal(await left, false);
    assert.equal(await turns.acquire(gone.signal), false);
    turns.release();
    assert.equal(await next, true);
    assert.equal(turns.waiting, 0);
    turns.release();
    assert.equal(await turns.acquire(wanted), true);
  });
});
