import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DescriptorWatch } from './descriptor-watch.ts';

/** Checks once for each error code; undefined means success. @returns after which checks `onStarved` was called. */
async function starvedAfter(codes: readonly (string | undefined)[]): Promise<number[]> {
  const starved: number[] = [];
  let looks = 0;
  const probe = async (): Promise<void> => {
    const code = codes[looks++];
    if (code !== undefined) throw Object.assign(new Error(code), { code });
  };
  const watch = new DescriptorWatch(probe, () => starved.push(looks));
  for (const _ of codes) await watch.look();
  return starved;
}

const failures = (count: number): string[] => Array.from({ length: count }, () => 'EMFILE');

describe('a process without descriptors', () => {
  it('is reported once, after five failed checks in a row', async () => {
    assert.deepEqual(await starvedAfter(failures(8)), [5]);
  });

  it('is not reported when a check in between succeeds', async () => {
    assert.deepEqual(await starvedAfter([...failures(4), undefined, ...failures(4)]), []);
  });

  it('is not reported for other errors', async () => {
    assert.deepEqual(await starvedAfter(Array.from({ length: 8 }, () => 'EACCES')), []);
  });
});
