import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ReadTurns } from './read-turns.ts';

const wanted = new AbortController().signal;

describe('turns to read', () => {
  it('are given in the order in which they were asked for, so many at once', async () => {
    const turns = new ReadTurns(2);
    const given: number[] = [];
    const asked = [0, 1, 2, 3].map((i) => turns.take(wanted).then(() => given.push(i)));
    await Promise.all(asked.slice(0, 2));
    assert.deepEqual([given, turns.waiting], [[0, 1], 2]);
    turns.done();
    await asked[2];
    turns.done();
    await asked[3];
    assert.deepEqual([given, turns.waiting], [[0, 1, 2, 3], 0]);
  });

  it('are not waited for by whoever has gone', async () => {
    const turns = new ReadTurns(1);
    assert.equal(await turns.take(wanted), true);
    const gone = new AbortController();
    const [left, next] = [turns.take(gone.signal), turns.take(wanted)];
    gone.abort();
    assert.equal(await left, false);
    assert.equal(await turns.take(gone.signal), false);
    turns.done();
    assert.equal(await next, true);
    assert.equal(turns.waiting, 0);
    turns.done();
    assert.equal(await turns.take(wanted), true);
  });
});
