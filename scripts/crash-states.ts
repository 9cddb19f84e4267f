/**
 * `npm run crash-states [-- --length N] [--once]`: all sequences of up to N operations (1 by default), with a crash at
 * every durable step of the last one and again at every durable step of the recovery, and three ideas of what the disk
 * kept (docs/design/simulator.md). `--once` leaves the recovery alone. Exit code 0 only if every state was recovered.
 */
import { parseArgs } from 'node:util';
import { type StateOperation, type StateTally, sequencesOf } from '../test/support/simulator/crash-states.ts';
import { Runner } from '../test/support/simulator/run-seed.ts';

const MOST_FAILURES = 10;
const SEQUENCES_PER_LINE = 10;

const { values } = parseArgs({
  options: {
    length: { type: 'string', default: '1' },
    once: { type: 'boolean', default: false },
    /** Only each `of`-th sequence, from `share` on: for lots over several days. */
    share: { type: 'string', default: '0' },
    of: { type: 'string', default: '1' },
  },
});
const length = numberOf(values.length);
const share = numberOf(values.share);
const of = numberOf(values.of);

/** Ends the program for a text that is not a whole number. */
function numberOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  console.error(`${JSON.stringify(text)} is not a whole number`);
  process.exit(2);
}

const runner = await Runner.open();
const tally: StateTally = { sequences: 0, states: 0 };
const states = runner.crashStates(tally, !values.once);
const failures: string[] = [];
const began = Date.now();

function sums(): string {
  const seconds = Math.round((Date.now() - began) / 1000);
  return JSON.stringify({ ...tally, violations: failures.length, seconds });
}

async function run(sequence: readonly StateOperation[]): Promise<void> {
  try {
    await states.run(sequence);
  } catch (error) {
    failures.push(String(error));
    console.error(error);
  }
  if (tally.sequences % SEQUENCES_PER_LINE === 0) console.log(sums());
}

const all = Array.from({ length }, (_, i) => [...sequencesOf(i + 1)]).flat();
for (const [i, sequence] of all.entries()) {
  if (i % of === share && failures.length < MOST_FAILURES) await run(sequence);
}
runner.close();
console.log(sums());
process.exitCode = failures.length > 0 ? 1 : 0;
