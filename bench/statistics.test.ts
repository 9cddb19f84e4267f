import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medianInterval } from './statistics.ts';

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i + 1);

// The ranks are from tables of confidence intervals for a median (sign test).
test('the interval of a median is that of the binomial distribution', () => {
  assert.deepEqual(medianInterval(upTo(6)), { low: 1, high: 6 });
  assert.deepEqual(medianInterval(upTo(15)), { low: 4, high: 12 });
  assert.deepEqual(medianInterval(upTo(20)), { low: 6, high: 15 });
  assert.deepEqual(medianInterval(upTo(25)), { low: 8, high: 18 });
});

test('the order of the samples does not matter', () => {
  assert.deepEqual(medianInterval([6, 1, 5, 2, 4, 3]), { low: 1, high: 6 });
});

test('too few samples have no interval', () => {
  assert.throws(() => medianInterval(upTo(5)), RangeError);
});
