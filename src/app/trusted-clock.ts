import type { BlobStore } from '../domain/blob-store.ts';
import { Shortage } from '../domain/errors.ts';
import {
  type ClockReading,
  confirmTime,
  isBehind,
  latestTime,
  passTime,
  type SeenTime,
  startTime,
  type TimeState,
  type TrustedTime,
} from '../domain/trusted-time.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const SEEN_NOTE = 'time-seen';
const CONFIRMED_NOTE = 'time-confirmed';
/** Short enough to keep the latest time in the store at least once a minute. */
const KEEP_PAUSE_MS = 20_000;
/** A confirmation counts only if the wall clock is this close to the time at which it was given. */
const CONFIRMED_WITHIN_MS = 10 * 60_000;

/** Reads both clocks of the system. */
export type ReadClocks = () => ClockReading;

export interface TrustedClockDeps {
  readonly blobs: BlobStore;
  readonly read: ReadClocks;
  readonly maxStopLeapMs: number;
  /** Whether this process writes the time to the store; other processes only read it. */
  readonly keeps: boolean;
  /** Called once when the note of `moraine lock confirm-time` cannot be read; it is then ignored. */
  onUnreadable?(error: unknown): void;
  /** Called when the wall clock leaps forward while the process runs. */
  onLeap?(): void;
}

/** Trusted time for one process, from the system's clocks and the time in the store. */
export class TrustedClock implements TrustedTime {
  readonly #deps: TrustedClockDeps;
  #state: TimeState;
  #confirmation: string | undefined;
  #unreadable = false;

  constructor(deps: TrustedClockDeps, state: TimeState) {
    this.#deps = deps;
    this.#state = state;
  }

  /**
   * Opens the clock. On a full disk, the time is written later, so that a server can start.
   * @throws ClockWentBack when the wall clock is behind the time in the store.
   */
  static async open(deps: TrustedClockDeps): Promise<TrustedClock> {
    const { blobs, read, maxStopLeapMs } = deps;
    const seen = await readSeenTime(blobs);
    const clock = new TrustedClock(deps, startTime(seen, read(), maxStopLeapMs));
    const confirmation = await clock.#readConfirmation();
    // One that was given while no server ran still counts. An earlier one was applied, or given before the leap.
    if (confirmation === undefined || atMsOf(confirmation) <= (seen?.trustedMs ?? 0))
      clock.#confirmation = confirmation;
    await clock.keep().catch((error) => {
      if (!(error instanceof Shortage)) throw error;
    });
    return clock;
  }

  nowMs(): number {
    return this.#observe().trustedMs;
  }

  latestMs(): number {
    const reading = this.#deps.read();
    return latestTime(this.#observe(reading), reading);
  }

  canDelete(): boolean {
    const reading = this.#deps.read();
    return !isBehind(this.#observe(reading), reading);
  }

  /** Whether a leap forward waits for `moraine lock confirm-time`. */
  get leaped(): boolean {
    return this.#observe().leaped;
  }

  /** Applies a new confirmation, and writes the latest time to the store. */
  async keep(): Promise<void> {
    const { blobs, keeps } = this.#deps;
    const confirmation = await this.#readConfirmation();
    if (confirmation !== undefined && confirmation !== this.#confirmation) this.#confirm(confirmation);
    const { trustedMs, leaped } = this.#observe();
    if (keeps) await blobs.putNote(SEEN_NOTE, JSON.stringify({ trustedMs, leaped }));
  }

  /** Calls `keep` at least once a minute. */
  schedule(onError: (error: unknown) => void): Scheduled {
    return repeat(KEEP_PAUSE_MS, () => this.keep(), onError);
  }

  /** Reads the note. Ignores an unreadable one, so that it cannot stop the time from being written. */
  async #readConfirmation(): Promise<string | undefined> {
    try {
      const text = await this.#deps.blobs.note(CONFIRMED_NOTE);
      if (text !== undefined) JSON.parse(text);
      this.#unreadable = false;
      return text;
    } catch (error) {
      if (!this.#unreadable) this.#deps.onUnreadable?.(error);
      this.#unreadable = true;
      return undefined;
    }
  }

  #confirm(confirmation: string): void {
    this.#confirmation = confirmation;
    const reading = this.#deps.read();
    if (Math.abs(reading.wallMs - atMsOf(confirmation)) < CONFIRMED_WITHIN_MS)
      this.#state = confirmTime(this.#state, reading);
  }

  #observe(reading = this.#deps.read()): TimeState {
    const before = this.#state;
    this.#state = passTime(before, reading);
    if (this.#state.leaped && !before.leaped) this.#deps.onLeap?.();
    return this.#state;
  }
}

/** When a confirmation was given. */
function atMsOf(confirmation: string): number {
  return (JSON.parse(confirmation) as { atMs: number }).atMs;
}

/** Writes the note of `moraine lock confirm-time`: the wall clock is right at this moment. */
export async function confirmTrustedTime(blobs: BlobStore, nowMs: number): Promise<void> {
  await blobs.putNote(CONFIRMED_NOTE, JSON.stringify({ atMs: nowMs }));
}

/** The latest trusted time that the store keeps; null before the first start. @throws NoteDamaged. */
export async function readSeenTime(blobs: Pick<BlobStore, 'note'>): Promise<SeenTime | null> {
  const seen = await blobs.note(SEEN_NOTE);
  return seen === undefined ? null : (JSON.parse(seen) as SeenTime);
}
