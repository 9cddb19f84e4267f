/** Fuzzing by coverage: inputs that reach new blocks are kept and changed further (docs/design/fuzzing.md). */
import { Random } from '../simulator/random.ts';
import { type BlockCounter, blocksRun, Coverage } from './coverage.ts';
import { type MutationSources, mutate } from './mutate.ts';
import type { FuzzTarget } from './target.ts';

/** Reading the coverage takes about as long as this many runs. */
const BATCH = 64;
/** How many of the last kept inputs count as late. */
const LATE = 4;
const MAX_BYTES = 4096;
const BLOCKS_PER_BYTE = 200;
/** Blocks that any input may execute, whatever its length. */
const BLOCKS_AT_LEAST = 20_000;
const MOST_SHRINKING_RUNS = 5000;

/** An input on which a property does not hold. */
export interface Violation {
  readonly input: Buffer;
  readonly error: unknown;
}

/** What a run of the fuzzer found. */
export interface FuzzResult {
  readonly runs: number;
  /** Known blocks of the sources that ran. */
  readonly blocks: number;
  /** Seeds, corpus and every input that reached new blocks, in this order. */
  readonly corpus: readonly Buffer[];
  /** The first violation, with its input shrunk. */
  readonly violation: Violation | undefined;
}

/** How a run begins. */
export interface FuzzOptions {
  /** Number of changed inputs, rounded up to whole batches. Seeds and corpus run in addition. */
  readonly runs: number;
  /** The same seed, corpus and sources give the same run. */
  readonly seed: number;
  /** Inputs of earlier runs. */
  readonly corpus: readonly Buffer[];
}

/** Runs one target until a violation or the given number of runs. */
export function fuzz(target: FuzzTarget, counter: BlockCounter, options: FuzzOptions): FuzzResult {
  const run = new Run(target, counter);
  let violation: Violation | undefined;
  for (const input of [...target.seeds, ...options.corpus]) violation ??= run.alone(input, true);
  const sources: MutationSources = {
    random: new Random(options.seed),
    dictionary: target.dictionary.map((word) => Buffer.from(word as string)),
    corpus: run.corpus,
    maxBytes: target.maxBytes ?? MAX_BYTES,
  };
  while (violation === undefined && run.count < options.runs) violation = run.batch(sources);
  return { runs: run.count, blocks: run.coverage.blocks, corpus: run.corpus, violation };
}

class Run {
  readonly #target: FuzzTarget;
  readonly #counter: BlockCounter;
  readonly coverage = new Coverage();
  readonly corpus: Buffer[] = [];
  count = 0;

  constructor(target: FuzzTarget, counter: BlockCounter) {
    this.#target = target;
    this.#counter = counter;
  }

  /** Runs changed inputs; looks closer only if together they reached something new or took long. */
  batch(sources: MutationSources): Violation | undefined {
    const inputs = Array.from({ length: BATCH }, () => mutate(this.#pick(sources.random), sources));
    for (const input of inputs) {
      this.count++;
      const violation = this.#violationOf(input);
      if (violation) return shrink(violation, (other) => this.#violationOf(other));
    }
    const taken = this.#counter.take();
    const most = inputs.reduce((sum, input) => sum + this.#mostBlocks(input), 0);
    if (!this.coverage.isNew(taken) && blocksRun(taken) <= most) return undefined;
    for (const input of inputs) {
      const violation = this.alone(input, false);
      if (violation) return violation;
    }
    // What depends on earlier inputs (a cache) did not run again.
    this.coverage.add(taken);
    return undefined;
  }

  /** Half of the time a late input: it reached furthest. */
  #pick(random: Random): Buffer {
    return random.pick(random.chance(0.5) ? this.corpus.slice(-LATE) : this.corpus) ?? Buffer.alloc(0);
  }

  /** Runs one input, and keeps it if it reached new blocks. @param keeps whether to keep it in any case. */
  alone(input: Buffer, keeps: boolean): Violation | undefined {
    this.#counter.take();
    const violation = this.#violationOf(input);
    if (violation) return shrink(violation, (other) => this.#violationOf(other));
    const taken = this.#counter.take();
    if (blocksRun(taken) > this.#mostBlocks(input)) {
      const error = new Error(`${blocksRun(taken)} blocks ran for ${input.length} bytes`);
      return { input, error };
    }
    if (keeps || this.coverage.isNew(taken)) this.corpus.push(input);
    this.coverage.add(taken);
    return undefined;
  }

  #mostBlocks(input: Buffer): number {
    return BLOCKS_AT_LEAST + input.length * (this.#target.blocksPerByte ?? BLOCKS_PER_BYTE);
  }

  #violationOf(input: Buffer): Violation | undefined {
    try {
      // A copy, because a parser must not change its input, and the corpus shares it.
      this.#target.run(Buffer.from(input));
      return undefined;
    } catch (error) {
      return { input, error };
    }
  }
}

/** Removes pieces of the input, halves first, as long as there is a violation. */
export function shrink(first: Violation, violationOf: (input: Buffer) => Violation | undefined): Violation {
  let smallest = first;
  let runs = 0;
  for (let piece = first.input.length; piece >= 1; piece = Math.floor(piece / 2)) {
    for (let at = 0; at < smallest.input.length && runs < MOST_SHRINKING_RUNS; runs++) {
      const { input } = smallest;
      const shorter = violationOf(Buffer.concat([input.subarray(0, at), input.subarray(at + piece)]));
      if (shorter) smallest = shorter;
      else at += piece;
    }
  }
  return smallest;
}

/** The inputs that are needed to reach all blocks that they reach beyond the target's seeds; shortest first. */
export function minimize(target: FuzzTarget, counter: BlockCounter, corpus: readonly Buffer[]): Buffer[] {
  const run = new Run(target, counter);
  for (const input of target.seeds) run.alone(input, false);
  const seeds = run.corpus.length;
  for (const input of corpus.toSorted((a, b) => a.length - b.length)) run.alone(input, false);
  return run.corpus.slice(seeds);
}
