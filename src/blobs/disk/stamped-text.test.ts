import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NoteDamaged } from '../../domain/blob-store.ts';
import { decodeStamped, encodeStamped } from './stamped-text.ts';

const WRITER = { generation: 7, commitNumber: 123_456_789_012 };

describe('a stamped text', () => {
  it('gives back what was written, and by whom', () => {
    const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), number, number, (text, generation, commitNumber) => {
        const writer = { generation, commitNumber };
        assert.deepEqual(decodeStamped('f', encodeStamped(text, writer)), { text, writer });
      }),
    );
  });

  it('is found damaged wherever it is cut, by the name of its file', () => {
    const whole = encodeStamped('{"a":1}', WRITER);
    for (let length = 0; length < whole.length; length++) {
      // Cut right behind its JSON, it reads as a note of an older form, with the same text.
      if (whole.slice(0, length).trimEnd() === '{"a":1}') continue;
      assert.throws(
        () => decodeStamped('/srv/notes/n', whole.slice(0, length)),
        (error) => error instanceof NoteDamaged && error.message.startsWith('/srv/notes/n is damaged: '),
        `${length} characters`,
      );
    }
  });

  it('is found damaged when anything of it was changed', () => {
    const whole = encodeStamped('{"a":1}', WRITER);
    for (let at = 0; at < whole.length; at++) {
      const changed = `${whole.slice(0, at)}${whole[at] === '5' ? '6' : '5'}${whole.slice(at + 1)}`;
      assert.throws(() => decodeStamped('f', changed), NoteDamaged, `character ${at}`);
    }
  });

  it('of an older form is JSON alone', () => {
    assert.deepEqual(decodeStamped('f', '{"a":1}'), { text: '{"a":1}', writer: undefined });
    assert.throws(() => decodeStamped('f', '{"a":'), NoteDamaged);
  });
});
