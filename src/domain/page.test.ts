import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { toPage } from './page.ts';

describe('a page', () => {
  it('is followed by more exactly if one row too many was fetched', () => {
    assert.deepEqual(toPage([], 2), { rows: [], more: false });
    assert.deepEqual(toPage([1, 2], 2), { rows: [1, 2], more: false });
    assert.deepEqual(toPage([1, 2, 3], 2), { rows: [1, 2], more: true });
  });
});
