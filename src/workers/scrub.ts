/** The scrub: reads all that is stored, again and again, and compares it with its hashes and with the catalog. */
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import {
  addMark,
  addOrphans,
  type EndedPass,
  NO_PROGRESS,
  newPass,
  SCRUB_NOTE,
  SCRUB_NOW_SETTING,
  SCRUB_PAUSED_SETTING,
  type ScrubPass,
  type ScrubProgress,
} from '../domain/scrub-progress.ts';
import type { ScrubStep } from '../domain/scrub-store.ts';
import { type FindingsDeps, ScrubFindings } from './scrub-findings.ts';
import { readScrubProgress } from './scrub-note.ts';
import type { ScrubPace } from './scrub-pace.ts';

/** Keeping the position takes two flushes: so that is at most one a minute. */
const KEEP_PAUSE_MS = 120_000;
/** A server that has just started has other work to do. */
const FIRST_PAUSE_MS = 60_000;
const RETRY_PAUSE_MS = 60_000;
/** Until something wakes it. */
const LONG_PAUSE_MS = 86_400_000;
/** A file is not kept open for longer pauses: until it is closed, its space cannot be freed. */
const PAUSE_IN_FILE_MS = 1000;
/** What an archive takes beside its data. */
const OVERHEAD_BYTES = 1024;
/** The last part of a pass goes through the catalog. All keys of the store sort before its keys. */
const CATALOG_KEYS = 'z';
/** Between two pages of the catalog. */
const PAGE_PAUSE_MS = 50;
/** Runs in memory in a pass that an operator asked for: the disk reads one while others are hashed. */
const FAST_RUNS = 3;

export interface ScrubDeps extends Omit<FindingsDeps, 'goOn'> {
  readonly catalog: Catalog;
  readonly blobs: Pick<BlobStore, 'note' | 'putNote' | 'listAside' | 'failure'>;
  readonly pace: ScrubPace;
  /** Resolves after so many ms, or at once when the signal is aborted. */
  wait(ms: number, over: AbortSignal): Promise<void>;
  onPassEnded(pass: EndedPass): void;
  onError(error: unknown): void;
}

/** Ends a pass early: the scrub is stopped or paused, or begins anew. */
class Interrupted extends Error {}

/** Scrubs a store until it is stopped. One process over a store may do so. */
export class Scrubber {
  readonly #deps: ScrubDeps;
  #progress: ScrubProgress = NO_PROGRESS;
  #isPaused = false;
  /** When the operator last asked for a pass at once. */
  #askedMs = 0;
  #isStopped = false;
  #waking = new AbortController();
  #keptMs = 0;
  /** Whether the note has the present position. */
  #isKept = true;
  #totalBytes = 0;
  /** Time that the last reads may take and have not taken; since when that holds. */
  #owedMs = 0;
  #owedSinceMs = 0;

  constructor(deps: ScrubDeps) {
    this.#deps = deps;
  }

  /** Looks what the operator wants. Must be called every few seconds. @throws the catalog's error. */
  async look(): Promise<void> {
    const { catalog } = this.#deps;
    const isPaused = (await catalog.findSetting(SCRUB_PAUSED_SETTING)) === 'true';
    const askedMs = Number((await catalog.findSetting(SCRUB_NOW_SETTING)) ?? 0);
    const isNew = isPaused !== this.#isPaused || askedMs !== this.#askedMs;
    [this.#isPaused, this.#askedMs] = [isPaused, askedMs];
    if (isNew) this.#wake();
  }

  /** Runs passes; resolves after `stop`, when the position is kept. Never throws. */
  async run(): Promise<void> {
    await this.#guard(async () => {
      this.#progress = await readScrubProgress(this.#deps.blobs, this.#deps.onError);
      await this.look();
    });
    if (!this.#isDue()) await this.#pause(FIRST_PAUSE_MS);
    while (!this.#isStopped) await this.#guard(() => this.#goOn());
    if (!this.#isKept) await this.#keep().catch(this.#deps.onError);
  }

  /** Ends the pause or the read under way. */
  stop(): void {
    this.#isStopped = true;
    this.#wake();
  }

  async #guard(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (error instanceof Interrupted) return;
      this.#deps.onError(error);
      await this.#pause(RETRY_PAUSE_MS);
    }
  }

  #wake(): void {
    this.#waking.abort();
    this.#waking = new AbortController();
  }

  async #pause(ms: number): Promise<void> {
    if (!this.#isStopped && ms > 0) await this.#deps.wait(ms, this.#waking.signal);
  }

  /** Whether the operator asked for a pass that has not begun. */
  #isDue(): boolean {
    return this.#askedMs > this.#progress.answeredMs;
  }

  #requireWanted(): void {
    if (this.#isStopped || this.#isPaused || this.#isDue()) throw new Interrupted();
  }

  /** Waits until a pass is due, or runs one to its end. @throws Interrupted, the errors of store and catalog. */
  async #goOn(): Promise<void> {
    if (this.#isPaused && !this.#isKept) await this.#keep();
    if (this.#isPaused) return this.#pause(LONG_PAUSE_MS);
    const { pace, clock } = this.#deps;
    const { last } = this.#progress;
    if (this.#isDue()) await this.#begin(true);
    else if (this.#progress.pass === null) {
      const soonMs = last === null ? 0 : pace.nextStartMs(last.startedMs) - clock.now();
      if (soonMs > 0) return this.#pause(Math.min(soonMs, LONG_PAUSE_MS));
      await this.#begin(false);
    }
    await this.#pass();
  }

  async #begin(isFast: boolean): Promise<void> {
    const pass = newPass(this.#deps.clock.now(), isFast);
    this.#progress = { ...this.#progress, pass, answeredMs: this.#askedMs };
    await this.#keep();
  }

  async #pass(): Promise<void> {
    const { catalog, clock } = this.#deps;
    const { startedMs } = this.#current;
    // What a pass sees must not count as older than the pass, even if the clock was set back.
    const now = (): number => Math.max(clock.now(), startedMs);
    const findings = new ScrubFindings({ ...this.#deps, clock: { now }, goOn: () => this.#requireWanted() });
    const { archives, bytes } = await catalog.storedTotals();
    this.#totalBytes = Math.max(bytes + archives * OVERHEAD_BYTES, this.#progress.last?.bytes ?? 0);
    [this.#owedMs, this.#owedSinceMs] = [0, clock.now()];
    const { key } = this.#current;
    if (!key?.startsWith(CATALOG_KEYS)) await this.#readStore(findings);
    await this.#readCatalog(findings);
    await findings.heal(startedMs);
    await this.#end();
  }

  get #current(): ScrubPass {
    if (this.#progress.pass === null) throw new TypeError('no pass is under way');
    return this.#progress.pass;
  }

  #change(changes: Partial<ScrubPass>): void {
    this.#progress = { ...this.#progress, pass: { ...this.#current, ...changes } };
    this.#isKept = false;
  }

  async #readStore(findings: ScrubFindings): Promise<void> {
    const { key, isFast } = this.#current;
    const steps = this.#deps.store.scrub({
      after: key,
      atOnce: isFast ? FAST_RUNS : 1,
      rest: (bytes) => this.#rest(bytes),
    });
    for await (const step of steps) await this.#take(findings, step);
  }

  async #take(findings: ScrubFindings, step: ScrubStep): Promise<void> {
    const orphans = await findings.take(step);
    const { blobs } = this.#current;
    this.#change({
      blobs: blobs + step.blobs.length,
      orphans: addOrphans(this.#current.orphans, orphans),
    });
    if (step.upTo === null) return;
    await this.#reach(step.upTo);
    await this.#restOwed(LONG_PAUSE_MS);
  }

  /** Everything up to this key was read. */
  async #reach(key: string): Promise<void> {
    this.#change({ key });
    const nowMs = this.#deps.clock.now();
    if (nowMs - this.#keptMs < KEEP_PAUSE_MS) return;
    this.#change({ marks: addMark(this.#current.marks, { key, ms: nowMs }) });
    await this.#keep();
  }

  async #readCatalog(findings: ScrubFindings): Promise<void> {
    const { key } = this.#current;
    const after = key?.startsWith(CATALOG_KEYS) ? key.slice(CATALOG_KEYS.length) : null;
    await findings.findAbsent(after, async (ref) => {
      await this.#reach(`${CATALOG_KEYS}${ref}`);
      this.#requireWanted();
      if (!this.#current.isFast) await this.#pause(PAGE_PAUSE_MS);
    });
  }

  async #end(): Promise<void> {
    const { key: _, ...pass } = this.#current;
    const last = { ...pass, endedMs: this.#deps.clock.now() };
    this.#progress = { ...this.#progress, pass: null, last };
    await this.#keep();
    this.#deps.onPassEnded(last);
  }

  /** Called after each read. @throws Interrupted. */
  async #rest(bytes: number): Promise<void> {
    const pass = this.#current;
    this.#change({ bytes: pass.bytes + bytes });
    this.#requireWanted();
    if (pass.isFast) return;
    const { pace, clock } = this.#deps;
    const paced = { startedMs: pass.startedMs, bytes: pass.bytes, totalBytes: this.#totalBytes };
    this.#owedMs += pace.timeFor(bytes, paced, clock.now());
    await this.#restOwed(PAUSE_IN_FILE_MS);
  }

  /** Pauses for the time that reads did not take, at most so long. @throws Interrupted. */
  async #restOwed(longestMs: number): Promise<void> {
    this.#requireWanted();
    this.#settleOwed();
    await this.#pause(Math.min(this.#owedMs, longestMs));
    this.#settleOwed();
    this.#requireWanted();
  }

  #settleOwed(): void {
    const nowMs = this.#deps.clock.now();
    this.#owedMs = Math.max(0, this.#owedMs - Math.max(0, nowMs - this.#owedSinceMs));
    this.#owedSinceMs = nowMs;
  }

  /** Keeps the position; durable when it resolves. A store that takes no more writes can still be read. */
  async #keep(): Promise<void> {
    if (this.#deps.blobs.failure()) return;
    this.#keptMs = this.#deps.clock.now();
    const kept = this.#progress;
    await this.#deps.blobs.putNote(SCRUB_NOTE, JSON.stringify(kept));
    this.#isKept = this.#progress === kept;
  }
}
