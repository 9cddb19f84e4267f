import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { refuses } from '../../test/support/refusal.ts';
import { decodeMarker, encodeMarker, limitParser, parseMarker } from './paging.ts';

const INVALID = 'invalid';

describe('limit', () => {
  const parse = limitParser(50);

  it('is the maximum when it is absent or empty', () => {
    assert.equal(parse(undefined), 50);
    assert.equal(parse(''), 50);
  });

  it('is taken up to the maximum and clamped above, however large', () => {
    const cases = { 1: 1, 49: 49, 50: 50, 51: 50, 1000: 50, '007': 7 };
    for (const [raw, limit] of Object.entries(cases)) assert.equal(parse(raw), limit, raw);
    assert.equal(parse('9007199254740993'), 50);
    assert.equal(parse('9'.repeat(400)), 50);
  });

  it('is refused unless it is a whole number of at least 1', () => {
    for (const raw of [
      '0',
      '00',
      '-1',
      '+1',
      '1.0',
      '1e1',
      '0x10',
      ' 1',
      '1 ',
      'ten',
      'NaN',
      '١',
      '1,0',
      '\0',
    ]) {
      refuses(() => parse(raw), INVALID, `Invalid limit: ${raw}. It must be a whole number from 1 to 50.`);
    }
  });
});

describe('markers', () => {
  it('that are absent or empty start at the beginning', () => {
    assert.equal(parseMarker(undefined), null);
    assert.equal(parseMarker(''), null);
    assert.equal(parseMarker('x'), 'x');
    assert.equal(decodeMarker('part', null), null);
  });

  it('come back as the number that they were made of', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (number) => {
        const marker = encodeMarker('part', number);
        assert.match(marker, /^[A-Za-z0-9_-]+$/);
        assert.equal(decodeMarker('part', marker), number);
      }),
      { seed: 2012 },
    );
  });

  it('of one list are refused by another', () => {
    refuses(() => decodeMarker('part', encodeMarker('upload', 5)), INVALID, /^Invalid marker: /);
  });

  it('that no list gave out are refused', () => {
    const texts = [
      'part:',
      'part:-1',
      'part:1.5',
      'part:01',
      'part:1\n',
      'part:1e3',
      `part:${'9'.repeat(17)}`,
      'xpart:1',
    ];
    const odd = texts.map((text) => Buffer.from(text).toString('base64url'));
    odd.push('x', '=', `${encodeMarker('part', 1)}=`, ` ${encodeMarker('part', 1)}`, '\0', 'é', '__proto__');
    for (const marker of odd) refuses(() => decodeMarker('part', marker), INVALID, /^Invalid marker: /);
  });

  it('that are any text at all are refused or understood, never anything else', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          const number = decodeMarker('part', text);
          assert.equal(encodeMarker('part', number ?? Number.NaN), text);
        } catch (error) {
          assert.match(String(error), /Invalid marker/);
        }
      }),
      { seed: 2012 },
    );
  });
});
