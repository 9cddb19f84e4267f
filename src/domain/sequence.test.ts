import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { TestClock } from '../../test/support/clock.ts';
import { Sequencer } from './sequence.ts';

describe('Sequencer', () => {
  it('always grows, whatever the clock shows, and beyond the given number', () => {
    const step = fc.record({
      turn: fc.integer({ min: -10_000, max: 10_000 }),
      ahead: fc.option(fc.nat(5000)),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const clock = new TestClock();
        const sequencer = new Sequencer(clock);
        let last = 0;
        for (const { turn, ahead } of steps) {
          clock.ms += turn;
          const after = ahead === null ? 0 : last + ahead;
          const next = sequencer.next(after);
          assert.ok(
            Number.isSafeInteger(next) && next > last && next > after,
            `${next} after ${last}, ${after}`,
          );
          last = next;
        }
      }),
      { seed: 2012 },
    );
  });

  it('is ahead of an earlier process that made few numbers', () => {
    const clock = new TestClock();
    const before = new Sequencer(clock).next();
    clock.ms += 1;
    assert.ok(new Sequencer(clock).next() > before);
  });
});
