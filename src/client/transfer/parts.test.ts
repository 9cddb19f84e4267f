import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choosePartSize, cut, requirePartSize } from './parts.ts';

const MIB = 1024 ** 2;

describe('choosePartSize', () => {
  it('fits every archive into 10,000 parts of 2^n MiB', () => {
    const cases = [
      [1, 16],
      [160_000 * MIB, 16],
      [160_000 * MIB + 1, 32],
      [10_000 * 4096 * MIB, 4096],
    ] as const;
    for (const [size, mebibytes] of cases) assert.equal(choosePartSize(size), mebibytes * MIB, String(size));
  });

  it('refuses what no archive can hold', () => {
    assert.throws(() => choosePartSize(10_000 * 4096 * MIB + 1), RangeError);
  });
});

describe('requirePartSize', () => {
  it('takes 2^n MiB up to 4 GiB only', () => {
    for (const mebibytes of [1, 2, 64, 4096]) assert.equal(requirePartSize(mebibytes * MIB), mebibytes * MIB);
    for (const wrong of [0, -MIB, MIB / 2, 3 * MIB, MIB + 1, 8192 * MIB, Number.NaN])
      assert.throws(() => requirePartSize(wrong), RangeError, String(wrong));
  });
});

describe('cut', () => {
  it('covers all bytes with runs of one size, and a shorter last one', () => {
    assert.deepEqual(cut(5, 2), [
      { index: 0, first: 0, end: 2 },
      { index: 1, first: 2, end: 4 },
      { index: 2, first: 4, end: 5 },
    ]);
    assert.deepEqual(cut(0, 2), []);
  });
});
