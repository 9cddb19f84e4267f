import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toInventoryDate } from './inventory.ts';

describe('a date in an inventory', () => {
  it('has the right second, whichever date was formatted before', () => {
    const second = Date.UTC(2017, 7, 23, 1, 56, 27);
    for (const [ms, seconds] of [
      [second, '27'],
      [second + 999, '27'],
      [second + 1000, '28'],
      [second - 1, '26'],
      [second + 1, '27'],
    ] as const) {
      assert.equal(toInventoryDate(ms), `2017-08-23T01:56:${seconds}Z`);
    }
    assert.equal(toInventoryDate(0), '1970-01-01T00:00:00Z');
    assert.equal(toInventoryDate(-1), '1969-12-31T23:59:59Z');
  });
});
