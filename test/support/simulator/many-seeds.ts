/** Runs many seeds, one thread a core, and adds up. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { eventsOf, type SimulationEvent } from './events.ts';
import { Runner, type RunOptions } from './run-seed.ts';
import type { PlantedBug } from './server.ts';
import { shrink } from './shrink.ts';
import { addTally, newTally, type Tally } from './tally.ts';

/** A seed that ended with an error, and a short sequence that does so too. */
export interface Failure {
  readonly seed: number;
  readonly message: string;
  readonly events: readonly SimulationEvent[];
}

/** What a thread reports, each time that it has run some seeds. */
interface Report {
  readonly tally: Tally;
  readonly failures: readonly Failure[];
}

interface Share {
  readonly from: number;
  readonly step: number;
  readonly count: number;
}

const SEEDS_PER_REPORT = 25;

/**
 * Runs `count` seeds from `from` on.
 * @param onReport called as they go on, with everything so far; true ends the run.
 */
export async function runSeeds(
  { from, count, threads }: { readonly from: number; readonly count: number; readonly threads: number },
  onReport: (tally: Tally, failures: readonly Failure[]) => boolean,
): Promise<void> {
  const tally = newTally();
  const failures: Failure[] = [];
  const workers: Worker[] = [];
  const ended = Array.from({ length: threads }, (_, i) => {
    const share: Share = { from: from + i, step: threads, count: Math.ceil((count - i) / threads) };
    const worker = new Worker(new URL(import.meta.url), { workerData: share });
    workers.push(worker);
    worker.on('message', (report: Report) => {
      addTally(tally, report.tally);
      failures.push(...report.failures);
      if (onReport(tally, failures)) for (const one of workers) void one.terminate();
    });
    return new Promise<void>((resolve, reject) => worker.on('exit', () => resolve()).on('error', reject));
  });
  await Promise.all(ended);
}

/** Runs one seed; shortens it if it fails. */
export async function runOne(
  runner: Runner,
  seed: number,
  options: RunOptions & { readonly mostRuns?: number },
): Promise<Failure | undefined> {
  const failure = await runner.runSeed(seed, options);
  if (failure === undefined) return undefined;
  const { bug } = options;
  const fails = async (events: readonly SimulationEvent[]): Promise<boolean> =>
    (await runner.run(events, { tally: newTally(), bug })) !== undefined;
  const events = await shrink(eventsOf(seed), fails, options.mostRuns);
  const message = (await runner.run(events, { tally: newTally(), bug }))?.message ?? failure.message;
  return { seed, message, events };
}

/** The number of seeds after which a planted bug is found; undefined if it is not. */
export async function seedsUntilFound(
  runner: Runner,
  bug: PlantedBug,
  most: number,
): Promise<{ readonly seeds: number; readonly message: string } | undefined> {
  for (let seeds = 1; seeds <= most; seeds++) {
    const failure = await runner.runSeed(seeds, { tally: newTally(), bug });
    if (failure) return { seeds, message: failure.message };
  }
  return undefined;
}

async function runShare({ from, step, count }: Share): Promise<void> {
  const runner = await Runner.open();
  let tally = newTally();
  let failures: Failure[] = [];
  for (let i = 0; i < count; i++) {
    const failure = await runOne(runner, from + i * step, { tally });
    if (failure) failures.push(failure);
    if ((i + 1) % SEEDS_PER_REPORT !== 0 && i + 1 < count && !failure) continue;
    parentPort?.postMessage({ tally, failures } satisfies Report);
    [tally, failures] = [newTally(), []];
  }
  runner.close();
}

if (!isMainThread && workerData !== null) await runShare(workerData as Share);
