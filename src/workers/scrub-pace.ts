/** How fast a scrub reads: fast enough to end within its period, and no faster than that while the machine is busy. */

/** A pass ends after this share of the period, so that what was underestimated still fits. */
const TARGET_SHARE = 0.9;
/** A pass that is late catches up, but reads no faster than the whole store in this share of the period. */
const CATCH_UP_SHARE = 0.1;
/** While less than this share seems to be left, the estimate of all bytes is taken for too small. */
const LEAST_LEFT = 0.05;
/** On an idle machine, pauses are this much shorter. */
const IDLE_SHARE = 0.5;
/** Pauses vary by this much, so that the disks of several servers are not read in step. */
const JITTER = 0.25;

/** A pass that is being paced. */
export interface PacedPass {
  readonly startedMs: number;
  /** Bytes read so far. */
  readonly bytes: number;
  /** Estimate of all bytes. */
  readonly totalBytes: number;
}

export interface ScrubPaceDeps {
  readonly periodMs: number;
  /** From 0 to 1. */
  random(): number;
  /** Whether the processors have other work. */
  isBusy(): boolean;
}

export class ScrubPace {
  readonly #deps: ScrubPaceDeps;

  constructor(deps: ScrubPaceDeps) {
    this.#deps = deps;
  }

  /** How long reading so many bytes may take, pauses included; ms. */
  timeFor(bytes: number, { startedMs, bytes: done, totalBytes }: PacedPass, nowMs: number): number {
    const { periodMs, random, isBusy } = this.#deps;
    const share = bytes / Math.max(totalBytes, bytes);
    const left = Math.max(totalBytes - done, totalBytes * LEAST_LEFT, bytes);
    const leftMs = Math.max(0, startedMs + periodMs * TARGET_SHARE - nowMs);
    // Never slower than a pass that is in time, whatever was estimated.
    const needed = Math.min((bytes / left) * leftMs, share * periodMs * TARGET_SHARE);
    const longest = Math.max(needed, share * periodMs * CATCH_UP_SHARE);
    return longest * (isBusy() ? 1 : IDLE_SHARE) * (1 - JITTER * random());
  }

  /** When the pass after this one begins. */
  nextStartMs(startedMs: number): number {
    const { periodMs, random } = this.#deps;
    return startedMs + periodMs * (1 - 0.1 * JITTER * random());
  }
}
