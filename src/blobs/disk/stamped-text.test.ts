import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { NoteDamaged } from '../../domain/blob-store.ts';
import { decodeStamped, encodeStamped } from './stamped-text.ts';

const WRITER = { generation: 7, commitNumber: 123_456_789_012 };

describe('a stamped text', () => {
  it('is read as the text and the stamp of its writer', () => {
    const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), number, number, (text, generation, commitNumber) => {
        const writer = { generation, commitNumber };
        assert.deepEqual(decodeStamped('f', encodeStamped(text, writer)), { text, writer });
      }),
    );
  });

  it('is reported as damaged wherever it is truncated, with the name of its file', () => {
    const whole = encodeStamped('{"a":1}', WRITER);
    for (let length = 0; length < whole.length; length++) {
      // Truncated right after its JSON, it is a valid note of an older version with the same text.
      if (whole.slice(0, length).trimEnd() === '{"a":1}') continue;
      assert.throws(
        () => decodeStamped('/srv/notes/n', whole.slice(0, length)),
        (error) => error instanceof NoteDamaged && error.message.startsWith('/srv/notes/n is damaged: '),
        `${length} characters`,
      );
    }
  });

  it('is reported as damaged if its numbers are not written as the store writes them', () => {
    for (const numbers of ['07 1', '7 01', '7 9999999999999999']) {
      const sum = hash('sha256', `{}\n${numbers}`, 'hex').slice(0, 32);
      assert.throws(() => decodeStamped('f', `{}\n${sum} ${numbers}\n`), NoteDamaged, numbers);
    }
  });

  it('is reported as damaged when any byte was changed', () => {
    const whole = encodeStamped('{"a":1}', WRITER);
    for (let at = 0; at < whole.length; at++) {
      const changed = `${whole.slice(0, at)}${whole[at] === '5' ? '6' : '5'}${whole.slice(at + 1)}`;
      assert.throws(() => decodeStamped('f', changed), NoteDamaged, `character ${at}`);
    }
  });

  it('of an older version is only JSON', () => {
    assert.deepEqual(decodeStamped('f', '{"a":1}'), { text: '{"a":1}', writer: undefined });
    assert.throws(() => decodeStamped('f', '{"a":'), NoteDamaged);
  });
});
