import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ScrubPace } from './scrub-pace.ts';

const DAY_MS = 86_400_000;
const PERIOD_MS = 7 * DAY_MS;
const RUN_BYTES = 4 * 2 ** 20;
const TIB = 2 ** 40;

interface Conditions {
  readonly isBusy?: boolean;
  readonly random?: number;
}

const paceOf = ({ isBusy = false, random = 0.5 }: Conditions = {}): ScrubPace =>
  new ScrubPace({ periodMs: PERIOD_MS, random: () => random, isBusy: () => isBusy });

/** How long a pass over so many bytes takes, if its reads take no time; days. */
function daysFor(bytes: number, estimate: number, conditions?: Conditions, startedAgoMs = 0): number {
  const pace = paceOf(conditions);
  // Larger reads for larger stores: the sums are the same.
  const run = Math.max(RUN_BYTES, bytes / 5000);
  let nowMs = startedAgoMs;
  for (let done = 0; done < bytes; done += run)
    nowMs += pace.timeFor(run, { startedMs: 0, bytes: done, totalBytes: estimate }, nowMs);
  return (nowMs - startedAgoMs) / DAY_MS;
}

describe('the pace of a scrub', () => {
  it('ends a pass within its period, for stores of any size, busy or not', () => {
    for (const bytes of [RUN_BYTES, 2 ** 30, TIB, 100 * TIB])
      for (const isBusy of [true, false])
        for (const random of [0, 1]) {
          const days = daysFor(bytes, bytes, { isBusy, random });
          assert.ok(days > 0.5 && days < 7, `${bytes} bytes, busy ${isBusy}, random ${random}: ${days} days`);
        }
  });

  it('reads no faster than the period needs while the machine is busy, and faster while it is idle', () => {
    const [busy, idle] = [true, false].map((isBusy) => daysFor(TIB, TIB, { isBusy, random: 0 })) as [
      number,
      number,
    ];
    assert.ok(busy > 6, `${busy} days`);
    assert.ok(idle < busy * 0.8, `${idle} days against ${busy}`);
  });

  it('never stands still, and still ends, when there is more than was estimated', () => {
    const pace = paceOf({ isBusy: true, random: 0 });
    const late = pace.timeFor(RUN_BYTES, { startedMs: 0, bytes: 2 * TIB, totalBytes: TIB }, 6 * DAY_MS);
    assert.ok(late < pace.timeFor(RUN_BYTES, { startedMs: 0, bytes: 0, totalBytes: TIB }, 0));
    assert.ok(daysFor(TIB, TIB * 0.9, { isBusy: true, random: 0 }) < 7.5);
  });

  it('catches up after a stop, at ten times the usual rate at most', () => {
    const conditions = { isBusy: true, random: 0 };
    const afterFiveDays = daysFor(TIB, TIB, conditions, 5 * DAY_MS);
    assert.ok(afterFiveDays < 2, `${afterFiveDays} days`);
    const afterAMonth = daysFor(TIB, TIB, conditions, 30 * DAY_MS);
    assert.ok(afterAMonth > 0.69, `${afterAMonth} days`);
  });

  it('makes long pauses in a small store', () => {
    const pauseMs = paceOf().timeFor(RUN_BYTES, { startedMs: 0, bytes: 0, totalBytes: 2 ** 30 }, 0);
    assert.ok(pauseMs > 10 * 60_000, `${pauseMs} ms`);
  });

  it('begins a pass for each period', () => {
    for (const random of [0, 1]) {
      const nextMs = paceOf({ random }).nextStartMs(1000);
      assert.ok(nextMs <= 1000 + PERIOD_MS && nextMs > 1000 + 0.9 * PERIOD_MS);
    }
  });
});
