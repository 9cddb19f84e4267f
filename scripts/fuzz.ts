/**
 * `npm run fuzz`: fuzzes the parsers of outside bytes (docs/design/fuzzing.md).
 *
 * - `-- --target NAME` runs one target; all by default.
 * - `-- --runs N` changed inputs for each target; 20,000 by default.
 * - `-- --seed S` replays a run, as long as the sources and the kept inputs are the same.
 * - `-- --keep` adds the inputs that reach new blocks to test/fixtures/fuzz-corpus/.
 * - `-- --input BASE64` runs one input of a target, and nothing else.
 *
 * Exit code 1 if a property did not hold; the shrunk input is printed.
 */
import { parseArgs } from 'node:util';
import { readCorpus, writeCorpus } from '../test/support/fuzz/corpus.ts';
import { BlockCounter } from '../test/support/fuzz/coverage.ts';
import { fuzz, minimize } from '../test/support/fuzz/engine.ts';
import type { FuzzTarget } from '../test/support/fuzz/target.ts';

// Before the targets are imported: see BlockCounter.
const counter = new BlockCounter((url) => url.includes('/src/') && !url.includes('/node_modules/'));
const { FUZZ_TARGETS } = await import('../test/support/fuzz/targets/index.ts');

const RUNS = 20_000;

const { values } = parseArgs({
  options: {
    target: { type: 'string' },
    runs: { type: 'string' },
    seed: { type: 'string' },
    keep: { type: 'boolean', default: false },
    input: { type: 'string' },
  },
});

/** Prints why, and ends the program. */
function stop(reason: string): never {
  console.error(reason);
  process.exit(2);
}

function numberOf(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  return /^\d{1,9}$/.test(text) ? Number(text) : stop(`${JSON.stringify(text)} is not a whole number`);
}

function chosenTargets(): readonly FuzzTarget[] {
  if (values.target === undefined) return FUZZ_TARGETS;
  const chosen = FUZZ_TARGETS.filter(({ name }) => name === values.target);
  const names = FUZZ_TARGETS.map(({ name }) => name).join(', ');
  return chosen.length > 0 ? chosen : stop(`--target must be one of ${names}, not ${values.target}`);
}

/** @returns whether all properties held. */
function run(target: FuzzTarget, runs: number, seed: number): boolean {
  const result = fuzz(target, counter, { runs, seed, corpus: readCorpus(target.name) });
  const { violation } = result;
  console.log(
    `${target.name.padEnd(18)} ${result.runs} runs, ${result.blocks} blocks, corpus of ${result.corpus.length}`,
  );
  if (violation) {
    const input = violation.input.toString('base64');
    console.error(
      `seed ${seed}: ${violation.error instanceof Error ? violation.error.stack : violation.error}`,
    );
    console.error(`the input: ${JSON.stringify(violation.input.toString('latin1'))}`);
    console.error(`run it: npm run fuzz -- --target ${target.name} --input ${input}`);
    return false;
  }
  if (values.keep) writeCorpus(target.name, minimize(target, counter, result.corpus));
  return true;
}

const targets = chosenTargets();
if (values.input !== undefined) {
  const [target, ...others] = targets;
  if (target === undefined || others.length > 0) stop('--input needs --target');
  target.run(Buffer.from(values.input, 'base64'));
  console.log(`${target.name}: all properties hold`);
} else {
  const seed = numberOf(values.seed, Date.now() % 1_000_000_000);
  const runs = numberOf(values.runs, RUNS);
  console.log(`seed ${seed}`);
  const held = targets.map((target) => run(target, runs, seed));
  process.exitCode = held.every(Boolean) ? 0 : 1;
}
