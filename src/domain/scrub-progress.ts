/** How far scrubs have come. Kept in a note of the store, because it tells of this store's bytes, whatever catalog names them. */

/** Name of the note. */
export const SCRUB_NOTE = 'scrub';
/** Setting: whether an operator has paused the scrub. */
export const SCRUB_PAUSED_SETTING = 'scrub-paused';
/** Setting: when an operator last asked for a pass at once; ms since the epoch. */
export const SCRUB_NOW_SETTING = 'scrub-now';

/** At the time `ms`, every blob with a key up to `key` had been read. */
export interface ScrubMark {
  readonly key: string;
  readonly ms: number;
}

/** More marks are thinned out: each then stands for a hundredth or so of a pass. */
const MARKS = 128;

/** Blobs that nothing names. */
export interface Orphans {
  readonly count: number;
  /** Some of them. */
  readonly refs: readonly string[];
}

/** A pass under way. */
export interface ScrubPass {
  readonly startedMs: number;
  /** Continue after this key; null: from the first. */
  readonly key: string | null;
  readonly bytes: number;
  readonly blobs: number;
  readonly marks: readonly ScrubMark[];
  /** Whether an operator asked for it: it does not pause between reads. */
  readonly isFast: boolean;
  readonly orphans: Orphans;
}

/** A pass that read the whole store. */
export interface EndedPass extends Omit<ScrubPass, 'key'> {
  readonly endedMs: number;
}

export interface ScrubProgress {
  readonly pass: ScrubPass | null;
  /** The last pass that ended. */
  readonly last: EndedPass | null;
  /** The newest request for a pass at once that was taken up. */
  readonly answeredMs: number;
}

export const NO_PROGRESS: ScrubProgress = { pass: null, last: null, answeredMs: 0 };

/** @param text of the note; undefined if there is none. */
export function parseProgress(text: string | undefined): ScrubProgress {
  return text === undefined ? NO_PROGRESS : { ...NO_PROGRESS, ...(JSON.parse(text) as ScrubProgress) };
}

export function newPass(startedMs: number, isFast: boolean): ScrubPass {
  return { startedMs, key: null, bytes: 0, blobs: 0, marks: [], isFast, orphans: { count: 0, refs: [] } };
}

/** Adds a mark. Where there are too many, drops the one that leaves the smallest gap. */
export function addMark(marks: readonly ScrubMark[], mark: ScrubMark): readonly ScrubMark[] {
  const all = [...marks, mark];
  if (all.length <= MARKS) return all;
  const gaps = all.slice(2).map(({ ms }, i) => ms - (all[i]?.ms ?? 0));
  return all.toSpliced(gaps.indexOf(Math.min(...gaps)) + 1, 1);
}

/**
 * When a blob was last read by a scrub, at the latest; null if no scrub has read it since it was stored.
 * @param key of the blob. @param storedMs when it was stored.
 */
export function lastVerifiedMs(
  { pass, last }: Pick<ScrubProgress, 'pass' | 'last'>,
  key: string,
  storedMs: number,
): number | null {
  const readNow = pass !== null && pass.key !== null && key <= pass.key ? readAfter(pass, key) : null;
  if (readNow !== null && storedMs < readNow) return readNow;
  const readBefore = last === null ? null : readAfter(last, key);
  return readBefore !== null && storedMs < readBefore ? readBefore : null;
}

/** A time after which the pass read this key: that of the last mark before it. */
function readAfter({ startedMs, marks }: Pick<ScrubPass, 'startedMs' | 'marks'>, key: string): number {
  return marks.findLast((mark) => mark.key < key)?.ms ?? startedMs;
}

/** How many references of orphans are kept. */
const ORPHANS_SHOWN = 20;

export function addOrphans({ count, refs }: Orphans, more: readonly string[]): Orphans {
  return { count: count + more.length, refs: [...refs, ...more].slice(0, ORPHANS_SHOWN) };
}
