import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { describe, it } from 'node:test';
import { formatLine, parseLine } from './journal-lines.ts';

/** The text behind the checksum that it should have. */
function withSum(text: string): string {
  return `${hash('sha256', text, 'hex').slice(0, 32)} ${text}`;
}

describe('a journal line', () => {
  it('is read as the entry and the stamp that were written', () => {
    const entry = { seq: 5, body: { type: 'x', text: 'a\u2028b' } };
    const writer = { generation: 2, commitNumber: 9 };
    const line = formatLine(entry, writer, 4).trimEnd();
    assert.deepEqual(parseLine(line), { entry: { ...entry, writer }, flushed: 4 });
  });

  it('is rejected if it matches its checksum but is not a JSON object', () => {
    for (const text of ['', '{"seq":', 'null', '5', '"text"'])
      assert.equal(parseLine(withSum(text)), undefined, text);
  });

  it('holds no entry and closes nothing if these are not objects', () => {
    for (const text of [
      '{}',
      '{"seq":1,"entry":null}',
      '{"seq":1,"entry":5}',
      '{"closed":null}',
      '{"closed":5}',
    ])
      assert.deepEqual(parseLine(withSum(text)), {}, text);
  });
});
