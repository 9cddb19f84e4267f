/** Which blocks of the sources have run, by V8's precise coverage. */
import { type Profiler, Session } from 'node:inspector';

/** What ran since the last `take`. */
export type Taken = readonly Profiler.ScriptCoverage[];

/** Characters of one function that have run, and where its blocks begin and end. */
interface FunctionCoverage {
  readonly start: number;
  readonly ran: Uint8Array;
  readonly borders: Set<number>;
}

/**
 * Counts how often blocks run, in the functions that are compiled from now on: create it before importing what is to be
 * counted. V8 forgets the blocks of compiled functions when it stops counting, so one counter serves a whole process.
 */
export class BlockCounter {
  readonly #session = new Session();
  readonly #isTraced: (url: string) => boolean;

  /** @param isTraced whether a script counts, by its URL. */
  constructor(isTraced: (url: string) => boolean) {
    this.#isTraced = isTraced;
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    this.take();
  }

  /** What ran since the last call. */
  take(): Taken {
    let taken: Taken | undefined;
    let failure: Error | null = null;
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      failure = error;
      taken = answer?.result;
    });
    // The inspector of this thread answers within `post`.
    if (taken === undefined) throw failure ?? new Error('the inspector did not answer');
    return (taken as Taken).filter(({ url }) => this.#isTraced(url));
  }
}

/**
 * The blocks that a target has reached. V8 joins neighbouring blocks that ran equally often, so what it reports depends on
 * counts. Therefore this marks characters: what several inputs reach together is the union of what each reaches.
 */
export class Coverage {
  readonly #functions = new Map<string, FunctionCoverage>();

  /** Whether something ran that had not run before. */
  isNew(taken: Taken): boolean {
    return this.#visit(taken, (known, from, to) => known.ran.subarray(from, to).includes(0));
  }

  /** Adds what ran. */
  add(taken: Taken): void {
    this.#visit(taken, (known, from, to) => {
      known.ran.fill(1, from, to);
      return false;
    });
  }

  /** Number of known blocks that have run. */
  get blocks(): number {
    let blocks = 0;
    for (const { ran, borders } of this.#functions.values()) for (const at of borders) blocks += ran[at] ?? 0;
    return blocks;
  }

  /** Calls `visit` for each run of characters that ran, until it returns true. @returns whether it did. */
  #visit(taken: Taken, visit: (known: FunctionCoverage, from: number, to: number) => boolean): boolean {
    for (const { url, functions } of taken) {
      for (const { ranges } of functions) {
        const [whole] = ranges;
        if (whole === undefined || whole.count === 0) continue;
        const known = this.#functionAt(url, whole);
        for (const [from, to] of runsOf(whole, ranges, known)) if (visit(known, from, to)) return true;
      }
    }
    return false;
  }

  #functionAt(url: string, { startOffset: start, endOffset: end }: Profiler.CoverageRange): FunctionCoverage {
    const key = `${url} ${start} ${end}`;
    const known = this.#functions.get(key) ?? { start, ran: new Uint8Array(end - start), borders: new Set() };
    this.#functions.set(key, known);
    return known;
  }
}

/**
 * The runs of characters of a function that ran, as offsets from its start. Inner ranges come after those around them,
 * and say it better.
 */
function runsOf(
  whole: Profiler.CoverageRange,
  ranges: readonly Profiler.CoverageRange[],
  { start, borders }: FunctionCoverage,
): [number, number][] {
  const ran = new Uint8Array(whole.endOffset - start);
  for (const { startOffset, endOffset, count } of ranges) {
    ran.fill(count > 0 ? 1 : 0, startOffset - start, endOffset - start);
    borders.add(startOffset - start).add(endOffset - start);
  }
  const runs: [number, number][] = [];
  for (let at = ran.indexOf(1); at >= 0; ) {
    const gap = ran.indexOf(0, at);
    const end = gap < 0 ? ran.length : gap;
    runs.push([at, end]);
    at = ran.indexOf(1, end);
  }
  return runs;
}

/** How many blocks ran, each as often as it ran. */
export function blocksRun(taken: Taken): number {
  let sum = 0;
  for (const { functions } of taken)
    for (const { ranges } of functions) for (const { count } of ranges) sum += count;
  return sum;
}
