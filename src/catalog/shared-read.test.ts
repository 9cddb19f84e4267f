import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { sharedRead } from './shared-read.ts';

describe('a shared read', () => {
  it('answers equal calls of one turn by one read', async () => {
    const read: string[] = [];
    const shared = sharedRead(
      async ({ name }: { name: string }) => {
        read.push(name);
        return name.toUpperCase();
      },
      ({ name }) => name,
    );
    const answers = await Promise.all(['a', 'b', 'a'].map((name) => shared({ name })));
    assert.deepEqual(
      [answers, read],
      [
        ['A', 'B', 'A'],
        ['a', 'b'],
      ],
    );
  });

  it('reads again for a call that comes after the read began', async () => {
    let value = 1;
    const shared = sharedRead(
      async () => value,
      () => '',
    );
    assert.equal(await shared(0), 1);
    value = 2;
    assert.equal(await shared(0), 2);
  });

  it('reads what changed between the call and the end of its turn', async () => {
    let value = 1;
    const shared = sharedRead(
      async () => value,
      () => '',
    );
    const answer = shared(0);
    value = 2;
    assert.equal(await answer, 2);
  });

  it('fails every call that it answers, and no later one', async () => {
    let fails = true;
    const shared = sharedRead(
      async () => {
        if (fails) throw new Error('damaged');
        return 'whole';
      },
      () => '',
    );
    const results = await Promise.allSettled([shared(0), shared(0)]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    fails = false;
    assert.equal(await shared(0), 'whole');
  });
});
