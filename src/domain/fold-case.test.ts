import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { foldCase } from './fold-case.ts';

describe('folding case', () => {
  it('makes equal what differs in case only', () => {
    const pairs = [
      ['PHOTOS/Été', 'photos/éTÉ'],
      ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
      ['ЖУРНАЛ', 'журнал'],
      ['\u212a', 'k'],
      ['\u1e9e', 'ß'],
      ['😀', '😀'],
    ] as const;
    for (const [one, other] of pairs) assert.equal(foldCase(one), foldCase(other));
    assert.notEqual(foldCase('ß'), foldCase('ss'));
    assert.notEqual(foldCase('ı'), foldCase('i'));
  });

  it('relates characters as the simple case folding of regular expressions does', () => {
    for (let code = 0; code <= 0x10_ff_ff; code++) {
      if (code >= 0xd8_00 && code <= 0xdf_ff) continue;
      const char = String.fromCodePoint(code);
      const folded = foldCase(char);
      assert.equal([...folded].length, 1);
      if (folded !== char) assert.ok(isSameLetter(char, folded), char);
      for (const other of [char.toLowerCase(), char.toUpperCase()]) {
        if (other === char || [...other].length > 1) continue;
        assert.equal(foldCase(other) === folded, isSameLetter(char, other), `${char} ${other}`);
      }
    }
  });
});

/** Whether an expression that ignores case takes one for the other. */
function isSameLetter(one: string, other: string): boolean {
  return new RegExp(`^\\u{${other.codePointAt(0)?.toString(16)}}$`, 'iu').test(one);
}
