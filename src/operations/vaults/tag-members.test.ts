import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { refuses } from '../../../test/support/refusal.ts';
import { mergeTags } from '../../domain/tags.ts';
import { parseTagKeys, parseTags } from './tag-members.ts';

const INVALID = 'invalid';

/** `count` tags: k1 … */
function tags(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i + 1}`, 'v']));
}

describe('the tags of a request', () => {
  it('are kept as they are', () => {
    const given = { a: '', 'Ein Schlüssel_./=+-@ 1': 'Wert_./=+-@ 1', ключ: '値', A: 'case counts' };
    assert.deepEqual(parseTags(given), given);
  });

  it('may be one to ten', () => {
    assert.equal(Object.keys(parseTags(tags(10))).length, 10);
    refuses(() => parseTags({}), INVALID, /^Invalid Tags: 0 given/);
    refuses(() => parseTags(tags(11)), INVALID, /^Invalid Tags: 11 given/);
  });

  it('must be there', () => {
    for (const missing of [undefined, null]) {
      refuses(() => parseTags(missing), 'missing', 'Required parameter missing: Tags');
    }
  });

  it('must be a map', () => {
    for (const odd of [[], ['a'], 'a', 1, true]) refuses(() => parseTags(odd), INVALID, /^Invalid Tags/);
  });

  it('have keys of 1 to 128 characters, however many bytes those take', () => {
    for (const key of ['k', 'k'.repeat(128), 'ä'.repeat(128), '𐌰'.repeat(128)]) {
      assert.deepEqual(parseTags({ [key]: 'v' }), { [key]: 'v' });
    }
    for (const key of ['', 'k'.repeat(129), '𐌰'.repeat(129)]) {
      refuses(() => parseTags({ [key]: 'v' }), INVALID, /^Invalid tag key/);
    }
  });

  it('have values of 0 to 256 characters', () => {
    assert.deepEqual(parseTags({ k: 'v'.repeat(256) }), { k: 'v'.repeat(256) });
    refuses(() => parseTags({ k: 'v'.repeat(257) }), INVALID, /^Invalid tag value for k/);
  });

  it('have text values only', () => {
    for (const value of [1, null, true, {}, ['a']]) {
      refuses(() => parseTags({ k: value }), INVALID, /^Invalid tag value for k/);
    }
  });

  it('hold letters, digits, spaces and a few marks only', () => {
    for (const odd of ['a,b', 'a;b', 'a\nb', 'a\0b', 'a\tb', 'a"b', '\ud800', 'a*', 'a?', '😀', '<a>']) {
      refuses(() => parseTags({ [odd]: 'v' }), INVALID, /^Invalid tag key/);
      refuses(() => parseTags({ k: odd }), INVALID, /^Invalid tag value/);
    }
  });

  it('may have colons, as the service was seen to store', () => {
    const tags = { 'delete@2027/01/05': '12:30', 'a:b': ':', ':aws': 'aws:x' };
    assert.deepEqual(parseTags(tags), tags);
    assert.deepEqual(parseTags({ 'Resource does not meet policy': 'delete@2027/01/05 10:00' }), {
      'Resource does not meet policy': 'delete@2027/01/05 10:00',
    });
  });

  it('do not begin with the reserved prefix, in whatever case', () => {
    for (const key of ['aws:a', 'AWS:a', 'Aws:', 'aws:createdBy'])
      refuses(() => parseTags({ [key]: 'v' }), INVALID, /./);
    assert.deepEqual(parseTags({ aws: 'v', awsa: 'v' }), { aws: 'v', awsa: 'v' });
  });

  it('may have the names of members that every object has', () => {
    const given = JSON.parse('{"__proto__":"a","constructor":"b","toString":"c","hasOwnProperty":"d"}');
    const parsed = parseTags(given);
    assert.deepEqual(Object.entries(parsed), Object.entries(given));
    assert.equal(JSON.stringify(mergeTags({}, parsed)), JSON.stringify(given));
  });
});

describe('the tag keys of a request', () => {
  it('are kept in order', () => {
    assert.deepEqual(parseTagKeys(['b', 'a', 'b']), ['b', 'a', 'b']);
  });

  it('may be one to ten', () => {
    assert.equal(parseTagKeys(Object.keys(tags(10))).length, 10);
    refuses(() => parseTagKeys([]), INVALID, /^Invalid TagKeys: 0 given/);
    refuses(() => parseTagKeys(Object.keys(tags(11))), INVALID, /^Invalid TagKeys: 11 given/);
  });

  it('must be there and be a list of keys', () => {
    for (const missing of [undefined, null]) {
      refuses(() => parseTagKeys(missing), 'missing', 'Required parameter missing: TagKeys');
    }
    for (const odd of [{}, { 0: 'a' }, 'a', 1]) refuses(() => parseTagKeys(odd), INVALID, /^Invalid TagKeys/);
    for (const odd of [1, null, {}, ['a'], '', 'a,b', '\0']) {
      refuses(() => parseTagKeys([odd]), INVALID, /^Invalid tag key/);
    }
  });
});
