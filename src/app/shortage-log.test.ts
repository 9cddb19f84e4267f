import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Shortage } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import { ShortageLog } from './shortage-log.ts';

describe('the log of shortages', () => {
  it('has one line per minute and reason, with the number of omitted ones', () => {
    const lines: [Record<string, unknown>, string][] = [];
    let nowMs = 0;
    const log = {
      error: (...line: [Record<string, unknown>, string]) => lines.push(line),
    } as unknown as Logger;
    const shortages = new ShortageLog(log, { now: () => nowMs });
    for (let i = 0; i < 1000; i++) {
      assert.ok(shortages.take(new Shortage(`${i} bytes are free`), { request: i }));
      nowMs += 100;
    }
    assert.ok(shortages.take(Object.assign(new Error('x'), { code: 'EMFILE' }), { chore: 'c' }));
    assert.deepEqual(
      lines.map(([{ err, ...what }, text]) => [what, text]),
      [
        [{ request: 0 }, '0 bytes are free'],
        [{ request: 600, leftOut: 599 }, '600 bytes are free'],
        [{ chore: 'c' }, 'The service cannot complete the request: the server has no file descriptors left.'],
      ],
    );
  });

  it('ignores all other errors', () => {
    const shortages = new ShortageLog({} as Logger, { now: () => 0 });
    assert.equal(shortages.take(new Error('x'), {}), false);
  });
});
