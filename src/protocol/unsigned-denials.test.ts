import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { UnsignedDenials } from './unsigned-denials.ts';

const START_MS = Date.UTC(2026, 0, 1);
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

describe('refusals of requests without a valid signature', () => {
  it('are audited ten times per hour and kind, and counted beyond that', () => {
    const denials = new UnsignedDenials(1_000_000);
    const take = (kind: string, atMs = START_MS) => denials.take(atMs, kind, 500);
    const taken = Array.from({ length: 15 }, () => take('a'));
    assert.deepEqual(taken, [...Array(10).fill(true), ...Array(5).fill(false)]);
    assert.equal(take('b'), true);
    assert.deepEqual(denials.takeCounted(), { count: 5, sinceMs: START_MS, kinds: { a: 5 } });
    assert.equal(denials.takeCounted(), undefined);
    assert.equal(take('a', START_MS + HOUR_MS), true);
  });

  it('never exceed their bytes per day, however many kinds there are', () => {
    const perDay = 1_000_000;
    const denials = new UnsignedDenials(perDay);
    let bytes = 0;
    let kind = 0;
    for (let atMs = START_MS; atMs < START_MS + DAY_MS; atMs += 1000) {
      for (let i = 0; i < 20; i++) if (denials.take(atMs, String(kind++ % 900), 700)) bytes += 700;
    }
    assert.ok(bytes <= perDay, `${bytes} bytes`);
    assert.ok(bytes > perDay / 2, `${bytes} bytes`);
  });

  it('are distinguished in bounded memory; the event with the counts names only the most frequent kinds', () => {
    const denials = new UnsignedDenials(0);
    for (let i = 0; i < 5000; i++) denials.take(START_MS, `kind ${i}`, 1);
    for (let i = 0; i < 3; i++) denials.take(START_MS, 'kind 7', 1);
    const counted = denials.takeCounted();
    assert.equal(counted?.count, 5003);
    assert.deepEqual(Object.entries(counted?.kinds ?? {}).slice(0, 2), [
      ['others', 4000],
      ['kind 7', 4],
    ]);
    assert.equal(Object.keys(counted?.kinds ?? {}).length, 5);
  });

  it('get no higher limits when the clock goes back', () => {
    const denials = new UnsignedDenials(1000);
    const take = (atMs: number) => denials.take(atMs, String(atMs), 500);
    assert.equal(take(START_MS), true);
    for (let i = 1; i < 50; i++) assert.equal(take(START_MS - i * HOUR_MS), false);
    assert.equal(take(START_MS + 1), false);
  });
});
