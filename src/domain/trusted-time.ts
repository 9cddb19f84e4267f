/**
 * The time by which locked archives age. It cannot be pushed: it follows the wall clock only while that agrees
 * with a clock that nobody can set, and never goes back.
 */

/** What the ages of archives and the dates of policies are judged by. */
export interface TrustedTime {
  /** Trusted time, ms since the epoch. */
  nowMs(): number;
  /**
   * The latest that it may be, ms since the epoch: what new archives are dated by, so that none counts as older
   * than it is, whichever clock was wrong when it came.
   */
  latestMs(): number;
  /** False while the wall clock is behind what was seen before: nothing in a locked vault may be deleted. */
  canDelete(): boolean;
}

/** How far the wall clock may stray, either way, before it is not believed. */
export const STRAY_MS = 5 * 60_000;

/** What is kept in the store, at least each minute. */
export interface SeenTime {
  /** The latest trusted time. */
  readonly trustedMs: number;
  /** Whether a forward leap waits to be confirmed. */
  readonly leaped: boolean;
}

/** What is known of time while a process runs. */
export interface TimeState extends SeenTime {
  /** Wall clock and monotonic clock at one moment: what later readings are held against. */
  readonly wallMs: number;
  readonly steadyMs: number;
}

/** A reading of both clocks. */
export interface ClockReading {
  readonly wallMs: number;
  /** A clock that only the kernel moves; its zero means nothing. */
  readonly steadyMs: number;
}

/** The wall clock is more than five minutes behind the latest time that was seen. */
export class ClockWentBack extends Error {
  constructor(wallMs: number, trustedMs: number) {
    const [wall, seen] = [wallMs, trustedMs].map((ms) => new Date(ms).toISOString());
    super(
      `the clock says ${wall}, but ${seen} was seen before: set the clock right, or locked archives would age anew`,
    );
    this.name = 'ClockWentBack';
  }
}

/**
 * The state at a start. A stop of over `maxStopLeapMs` counts as a leap: locked archives do not age by it until
 * it is confirmed.
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
 * The state after another reading. Strays are summed since the reference, so that many small pushes count as
 * the large one that they are.
 */
export function passTime(state: TimeState, reading: ClockReading): TimeState {
  const passed = Math.max(0, reading.steadyMs - state.steadyMs);
  const leaped = state.leaped || reading.wallMs - (state.wallMs + passed) > STRAY_MS;
  return leaped
    ? leapedState(state, reading, passed)
    : { ...state, trustedMs: Math.max(state.trustedMs, reading.wallMs) };
}

/** Time goes on at the pace of the steady clock, from where it was trusted last. */
function leapedState(state: TimeState, reading: ClockReading, passed: number): TimeState {
  const sinceReference = state.leaped ? passed : Math.max(0, state.wallMs + passed - state.trustedMs);
  return { ...reading, trustedMs: state.trustedMs + sinceReference, leaped: true };
}

/** The state after an operator confirmed that the wall clock is right. It still never goes back. */
export function confirmTime(state: TimeState, reading: ClockReading): TimeState {
  return { ...reading, trustedMs: Math.max(state.trustedMs, reading.wallMs), leaped: false };
}

/** The wall clock, or what it should show by the steady clock where that is later. */
export function latestTime(state: TimeState, { wallMs, steadyMs }: ClockReading): number {
  // After a leap the trusted time itself goes by the steady clock.
  const expected = state.leaped ? 0 : state.wallMs + Math.max(0, steadyMs - state.steadyMs);
  return Math.max(wallMs, state.trustedMs, expected);
}

/** Whether deletions in locked vaults can be judged at all. */
export function isBehind(state: TimeState, { wallMs }: ClockReading): boolean {
  return wallMs < state.trustedMs - STRAY_MS;
}
