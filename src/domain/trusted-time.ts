/**
 * The time by which locked archives age. Setting the wall clock cannot move it: it follows the wall clock only while that
 * agrees with the monotonic clock, and never goes back.
 */

/** The times by which ages of archives and dates in policies are decided. */
export interface TrustedTime {
  /** Trusted time, ms since the epoch. */
  nowMs(): number;
  /**
   * The latest time that it may be, ms since the epoch. New archives get this date, so that none counts as older than it
   * is, whichever clock is wrong.
   */
  latestMs(): number;
  /** False while the wall clock is behind an earlier reading: then nothing in a locked vault may be deleted. */
  canDelete(): boolean;
}

/** How far the wall clock may stray, either way, before it is no longer trusted. */
export const STRAY_MS = 5 * 60_000;

/** The state as the store keeps it, updated at least every minute. */
export interface SeenTime {
  /** The latest trusted time. */
  readonly trustedMs: number;
  /** Whether a forward leap awaits the operator's confirmation. */
  readonly leaped: boolean;
}

/** The state of trusted time in a running process. */
export interface TimeState extends SeenTime {
  /** Readings of both clocks at one moment, with which later readings are compared. */
  readonly wallMs: number;
  readonly steadyMs: number;
}

/** A reading of both clocks. */
export interface ClockReading {
  readonly wallMs: number;
  /** The monotonic clock, with an arbitrary zero. */
  readonly steadyMs: number;
}

/** The wall clock is more than five minutes behind the latest time seen. */
export class ClockWentBack extends Error {
  constructor(wallMs: number, trustedMs: number) {
    const [wall, seen] = [wallMs, trustedMs].map((ms) => new Date(ms).toISOString());
    super(
      `the clock says ${wall}, but ${seen} was seen before: set the clock right, because locked archives must not age twice`,
    );
    this.name = 'ClockWentBack';
  }
}

/**
 * The state at a start. A stop of over `maxStopLeapMs` counts as a leap: locked archives do not age by it until the
 * operator confirms it.
 * @param seen what the store kept; null at the very first start.
 * @throws ClockWentBack.
 */
export function startTime(seen: SeenTime | null, reading: ClockReading, maxStopLeapMs: number): TimeState {
  const { wallMs } = reading;
  if (seen === null) return { ...reading, trustedMs: wallMs, leaped: false };
  if (wallMs < seen.trustedMs - STRAY_MS) throw new ClockWentBack(wallMs, seen.trustedMs);
  const leaped = seen.leaped || wallMs - seen.trustedMs > maxStopLeapMs;
  return { ...reading, trustedMs: leaped ? seen.trustedMs : Math.max(seen.trustedMs, wallMs), leaped };
}

/**
 * The state after another reading. Drift is measured from the reference, so that many small pushes add up.
 */
export function passTime(state: TimeState, reading: ClockReading): TimeState {
  const passed = Math.max(0, reading.steadyMs - state.steadyMs);
  const leaped = state.leaped || reading.wallMs - (state.wallMs + passed) > STRAY_MS;
  return leaped
    ? leapedState(state, reading, passed)
    : { ...state, trustedMs: Math.max(state.trustedMs, reading.wallMs) };
}

/** Advances trusted time by the monotonic clock. */
function leapedState(state: TimeState, reading: ClockReading, passed: number): TimeState {
  const sinceReference = state.leaped ? passed : Math.max(0, state.wallMs + passed - state.trustedMs);
  return { ...reading, trustedMs: state.trustedMs + sinceReference, leaped: true };
}

/** The state after an operator confirmed that the wall clock is right. It still never goes back. */
export function confirmTime(state: TimeState, reading: ClockReading): TimeState {
  return { ...reading, trustedMs: Math.max(state.trustedMs, reading.wallMs), leaped: false };
}

/** The later of the wall clock and what it should show by the monotonic clock. */
export function latestTime(state: TimeState, { wallMs, steadyMs }: ClockReading): number {
  // After a leap, trusted time itself follows the monotonic clock.
  const expected = state.leaped ? 0 : state.wallMs + Math.max(0, steadyMs - state.steadyMs);
  return Math.max(wallMs, state.trustedMs, expected);
}

/** Whether deletions in locked vaults can be decided now. */
export function isBehind(state: TimeState, { wallMs }: ClockReading): boolean {
  return wallMs < state.trustedMs - STRAY_MS;
}
