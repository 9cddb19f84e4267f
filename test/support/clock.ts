import type { Clock } from '../../src/domain/clock.ts';

/** A clock that stands still until a test sets it. */
export class TestClock implements Clock {
  ms: number;

  constructor(ms = Date.UTC(2012, 2, 20, 17, 3, 43, 221)) {
    this.ms = ms;
  }

  now(): number {
    return this.ms;
  }
}
