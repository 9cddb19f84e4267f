import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { NumberRanges } from './number-ranges.ts';

function gapsAfter(numbers: readonly number[], from: number, to: number): string {
  const ranges = new NumberRanges();
  for (const number of numbers) ranges.add(number);
  return [...ranges.gaps(from, to)].map(({ first, last }) => `${first}-${last}`).join(' ');
}

describe('ranges of numbers', () => {
  it('have the gaps between what was added, in any order and repeatedly', () => {
    assert.equal(gapsAfter([], 1, 3), '1-3');
    assert.equal(gapsAfter([1, 2, 3], 1, 3), '');
    assert.equal(gapsAfter([3, 1, 2, 2], 1, 5), '4-5');
    assert.equal(gapsAfter([5, 9, 7, 8, 5], 1, 12), '1-4 6-6 10-12');
    assert.equal(gapsAfter([1, 20], 5, 10), '5-10');
    assert.equal(gapsAfter([4, 6, 5], 4, 6), '');
    assert.equal(gapsAfter([2, 1000], 3, 2), '');
  });

  it('know each number that was added and no other', () => {
    const ranges = new NumberRanges();
    // All numbers below 211 that are no multiple of 7, in a scattered order.
    for (let i = 1; i < 211; i++) {
      const number = (i * 100) % 211;
      if (number % 7 !== 0) ranges.add(number);
    }
    for (let number = 0; number < 220; number++)
      assert.equal(ranges.has(number), number < 211 && number % 7 !== 0, String(number));
  });
});
