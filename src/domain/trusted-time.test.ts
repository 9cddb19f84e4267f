import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  type ClockReading,
  ClockWentBack,
  confirmTime,
  isBehind,
  latestTime,
  passTime,
  STRAY_MS,
  startTime,
  type TimeState,
} from './trusted-time.ts';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const LEAP = 366 * DAY;

const reading = (wallMs: number, steadyMs = 1000): ClockReading => ({ wallMs, steadyMs });
const begun = (): TimeState => startTime(null, reading(T), LEAP);

describe('startTime', () => {
  it('uses the wall clock at the first start', () => {
    assert.deepEqual(begun(), { wallMs: T, steadyMs: 1000, trustedMs: T, leaped: false });
  });

  const seen = { trustedMs: T, leaped: false };
  const cases: [what: string, wallMs: number, trustedMs: number, leaped: boolean][] = [
    ['continues with the wall clock after a stop', T + DAY, T + DAY, false],
    ['accepts a stop of the longest allowed time', T + LEAP, T + LEAP, false],
    ['stands still for a longer one', T + LEAP + 1, T, true],
    ['stands still with a clock a little behind', T - STRAY_MS, T, false],
  ];
  for (const [what, wallMs, trustedMs, leaped] of cases) {
    it(what, () => {
      const state = startTime(seen, reading(wallMs), LEAP);
      assert.deepEqual([state.trustedMs, state.leaped], [trustedMs, leaped]);
    });
  }

  it('refuses a clock that went back by more than five minutes', () => {
    assert.throws(
      () => startTime(seen, reading(T - STRAY_MS - 1), LEAP),
      (error) => {
        assert.ok(error instanceof ClockWentBack);
        assert.match(
          error.message,
          /the clock says 2025-12-31T23:54:59.999Z, but 2026-01-01T00:00:00.000Z was seen/,
        );
        return true;
      },
    );
  });

  it('still needs a confirmation that was pending before the stop', () => {
    const state = startTime({ trustedMs: T, leaped: true }, reading(T + 1000), LEAP);
    assert.deepEqual([state.trustedMs, state.leaped], [T, true]);
  });
});

describe('passTime', () => {
  const cases: [what: string, wallMs: number, steadyMs: number, trustedMs: number, leaped: boolean][] = [
    ['follows clocks that agree', T + HOUR, 1000 + HOUR, T + HOUR, false],
    [
      'follows a wall clock that strays a little',
      T + HOUR + STRAY_MS,
      1000 + HOUR,
      T + HOUR + STRAY_MS,
      false,
    ],
    ['uses the steady clock after a leap', T + HOUR + STRAY_MS + 1, 1000 + HOUR, T + HOUR, true],
    ['stands still while the wall clock is behind', T - DAY, 1000 + HOUR, T, false],
    ['treats a steady clock that goes back as standing still', T + MINUTE, 0, T + MINUTE, false],
  ];
  for (const [what, wallMs, steadyMs, trustedMs, leaped] of cases) {
    it(what, () => {
      const state = passTime(begun(), reading(wallMs, steadyMs));
      assert.deepEqual([state.trustedMs, state.leaped], [trustedMs, leaped]);
    });
  }

  it('keeps using the steady clock after a leap, whatever the wall clock shows', () => {
    let state = passTime(begun(), reading(T + DAY, 1000));
    state = passTime(state, reading(T + 5 * DAY, 1000 + HOUR));
    state = passTime(state, reading(T - DAY, 1000 + 3 * HOUR));
    assert.deepEqual([state.trustedMs, state.leaped], [T + 3 * HOUR, true]);
  });

  it('does not take back a stray when a leap follows', () => {
    let state = passTime(begun(), reading(T + 4 * MINUTE, 1000));
    state = passTime(state, reading(T + DAY, 1000 + MINUTE));
    assert.equal(state.trustedMs, T + 4 * MINUTE);
    state = passTime(state, reading(T + DAY, 1000 + 10 * MINUTE));
    assert.equal(state.trustedMs, T + 13 * MINUTE);
  });
});

describe('confirmTime', () => {
  it('uses the wall clock again', () => {
    const leaped = passTime(begun(), reading(T + DAY, 1000));
    const state = confirmTime(leaped, reading(T + DAY, 2000));
    assert.deepEqual(state, { wallMs: T + DAY, steadyMs: 2000, trustedMs: T + DAY, leaped: false });
    assert.equal(passTime(state, reading(T + DAY + HOUR, 2000 + HOUR)).trustedMs, T + DAY + HOUR);
  });

  it('does not go back either', () => {
    assert.equal(confirmTime(begun(), reading(T - DAY)).trustedMs, T);
  });
});

describe('isBehind', () => {
  it('is true beyond five minutes', () => {
    assert.equal(isBehind(begun(), reading(T - STRAY_MS)), false);
    assert.equal(isBehind(begun(), reading(T - STRAY_MS - 1)), true);
  });
});

describe('latestTime', () => {
  it('is what the wall clock should show when it is behind', () => {
    const back = reading(T - DAY, 1000 + HOUR);
    assert.equal(latestTime(passTime(begun(), back), back), T + HOUR);
  });

  it('is what the wall clock shows when it is ahead', () => {
    const ahead = reading(T + DAY, 1000 + HOUR);
    assert.equal(latestTime(passTime(begun(), ahead), ahead), T + DAY);
  });
});

/** What happens between two readings: true time passes, and the wall clock is changed. */
const steps = fc.array(
  fc.record({
    passedMs: fc.nat({ max: 10 * DAY }),
    pushedMs: fc.oneof(fc.integer({ min: -STRAY_MS, max: STRAY_MS }), fc.integer({ min: -LEAP, max: LEAP })),
  }),
  { maxLength: 60 },
);

/** Each state and reading in sequence, with the true time. */
function walk(moves: readonly { passedMs: number; pushedMs: number }[]) {
  let [state, realMs, wallErrorMs] = [begun(), T, 0];
  return moves.map(({ passedMs, pushedMs }) => {
    realMs += passedMs;
    wallErrorMs += pushedMs;
    const now = reading(realMs + wallErrorMs, 1000 + realMs - T);
    const before = state.trustedMs;
    state = passTime(state, now);
    return { state, now, before, realMs };
  });
}

describe('while a process runs, whatever happens to the wall clock', () => {
  it('trusted time never goes back', () => {
    fc.assert(
      fc.property(steps, (moves) => walk(moves).every(({ state, before }) => state.trustedMs >= before)),
    );
  });

  it('trusted time is never more than one stray ahead of true time, after any number of pushes', () => {
    fc.assert(
      fc.property(steps, (moves) =>
        walk(moves).every(({ state, realMs }) => state.trustedMs - realMs <= STRAY_MS),
      ),
    );
  });

  it('no archive is dated before it was stored', () => {
    fc.assert(
      fc.property(steps, (moves) =>
        walk(moves).every(({ state, now, realMs }) => latestTime(state, now) >= realMs),
      ),
    );
  });

  it('any number of small pushes gains one stray in total', () => {
    const { state, realMs } =
      walk(Array.from({ length: 10_000 }, () => ({ passedMs: 1000, pushedMs: 4 * MINUTE }))).at(-1) ??
      assert.fail();
    assert.ok(state.leaped);
    assert.ok(state.trustedMs - realMs <= STRAY_MS);
  });
});

describe('each stop', () => {
  it('gains at most the allowed leap and one stray', () => {
    const stops = fc.array(
      fc.record({ downMs: fc.nat({ max: DAY }), pushedMs: fc.integer({ min: 0, max: 3 * LEAP }) }),
      {
        maxLength: 10,
      },
    );
    fc.assert(
      fc.property(stops, (list) => {
        let [state, realMs, wallMs] = [begun(), T, T];
        for (const { downMs, pushedMs } of list) {
          realMs += downMs;
          wallMs += downMs + pushedMs;
          state = startTime({ trustedMs: state.trustedMs, leaped: state.leaped }, reading(wallMs), DAY);
        }
        assert.ok(state.trustedMs - realMs <= list.length * (DAY + STRAY_MS));
      }),
    );
  });
});
