import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnsignedDenials } from './unsigned-denials.ts';

describe('refusals of unsigned requests', () => {
  it('go on record ten times a second, and the next one tells how many did not', () => {
    const denials = new UnsignedDenials();
    const taken = Array.from({ length: 15 }, () => denials.take(1000));
    assert.deepEqual(taken, [...Array(10).fill(0), ...Array(5).fill(undefined)]);
    assert.equal(denials.take(1999), undefined);
    assert.equal(denials.take(2000), 6);
    assert.equal(denials.take(2000), 0);
  });
});
