/**
 * `npm run simulate`: simulates servers with clients, disk faults, crashes and restarts (docs/design/simulator.md).
 *
 * - `-- --seed N` replays one seed, event by event, and shortens it if it fails.
 * - `-- --seeds N` runs N seeds; `--from M` says which is the first.
 * - `-- --forever` runs until it is interrupted, from a random seed on, and prints the sums every minute.
 * - `-- --bugs` plants one bug after the other, and says after how many seeds each is found.
 *
 * Exit code 0 only if no seed failed, or every bug was found.
 */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { type Failure, runOne, runSeeds, seedsUntilFound } from '../test/support/simulator/many-seeds.ts';
import { PLANTED_BUGS } from '../test/support/simulator/planted-bugs.ts';
import { Runner } from '../test/support/simulator/run-seed.ts';
import { newTally, type Tally } from '../test/support/simulator/tally.ts';

const MINUTE_MS = 60_000;
const SEEDS_PER_BUG = 1000;
const SEEDS = 200;
const MOST_FAILURES = 10;

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string' },
    threads: { type: 'string' },
    forever: { type: 'boolean', default: false },
    bugs: { type: 'boolean', default: false },
  },
});

/** @returns the fallback without a text; ends the program for one that is not a whole number. */
function numberOf(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  console.error(`${JSON.stringify(text)} is not a whole number`);
  process.exit(2);
}

function print({ seed, message, events }: Failure): void {
  console.error(`seed ${seed}: ${message}`);
  for (const event of events) console.error(`  ${JSON.stringify(event)}`);
  console.error(`replay it: npm run simulate -- --seed ${seed}`);
}

async function replay(seed: number): Promise<boolean> {
  const runner = await Runner.open();
  try {
    const failure = await runOne(runner, seed, { tally: newTally(), log: console.log });
    if (failure) print(failure);
    else console.log(`seed ${seed}: no violation`);
    return failure === undefined;
  } finally {
    runner.close();
  }
}

async function findBugs(): Promise<boolean> {
  const runner = await Runner.open();
  let isAll = true;
  for (const bug of PLANTED_BUGS) {
    const found = await seedsUntilFound(runner, bug, SEEDS_PER_BUG);
    isAll &&= found !== undefined;
    const how = found ? `${found.seeds} seeds: ${found.message.slice(0, 120)}` : 'NOT FOUND';
    console.log(`${bug.name}: ${how}`);
  }
  runner.close();
  return isAll;
}

async function runMany(from: number, count: number): Promise<boolean> {
  const threads = numberOf(values.threads, availableParallelism());
  const began = Date.now();
  let printedMs = began;
  let last: { tally: Tally; failures: readonly Failure[] } = { tally: newTally(), failures: [] };
  let shown = 0;
  const sums = (): void => {
    const seconds = (Date.now() - began) / 1000;
    const { tally, failures } = last;
    const perSecond = Number((tally.seeds / seconds).toFixed(1));
    console.log({
      ...tally,
      violations: failures.length,
      seconds: Math.round(seconds),
      seedsPerSecond: perSecond,
    });
  };
  process.once('SIGINT', () => {
    sums();
    process.exit(last.failures.length > 0 ? 1 : 0);
  });
  console.log(`seeds from ${from} on, ${threads} threads`);
  await runSeeds({ from, count, threads }, (tally, failures) => {
    last = { tally, failures };
    for (const failure of failures.slice(shown)) print(failure);
    shown = failures.length;
    if (Date.now() - printedMs > MINUTE_MS) {
      printedMs = Date.now();
      sums();
    }
    return failures.length >= MOST_FAILURES;
  });
  sums();
  return last.failures.length === 0;
}

/** What the command line asks for. */
function run(): Promise<boolean> {
  if (values.bugs) return findBugs();
  if (values.seed !== undefined) return replay(numberOf(values.seed, 0));
  if (values.forever)
    return runMany(numberOf(values.from, Date.now() % 1_000_000_000), Number.MAX_SAFE_INTEGER);
  return runMany(numberOf(values.from, 1), numberOf(values.seeds, SEEDS));
}

process.exitCode = (await run()) ? 0 : 1;
