import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuses } from '../../test/support/refusal.ts';
import { mergeTags, type Tags } from './tags.ts';

/** `count` tags: k1 … */
function tags(count: number, from = 1): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${from + i}`, 'v']));
}

describe('adding tags to those of a vault', () => {
  it('overwrites a key that is there', () => {
    assert.deepEqual(mergeTags({ a: '1', b: '2' }, { b: '3', c: '4' }), { a: '1', b: '3', c: '4' });
  });

  it('accepts up to fifty', () => {
    assert.equal(Object.keys(mergeTags(tags(40), tags(10, 41))).length, 50);
    assert.equal(Object.keys(mergeTags(tags(50), tags(10, 41))).length, 50);
  });

  it('refuses the fifty-first', () => {
    const present: Tags = tags(50);
    const text = 'The quota for the number of tags that can be assigned to this resource has been reached.';
    refuses(() => mergeTags(present, { more: '' }), 'limit-reached', text);
  });
});
