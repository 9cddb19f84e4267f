/**
 * `npm run versus -- CHECKOUT [FIGURE...] [--rounds N] [--folder FOLDER] [--postgres]`: measures this checkout of Moraine
 * and another one in alternating rounds, and reports for each figure whether this one is slower. With `--postgres`, the
 * catalogs are in one PostgreSQL server. Exit code 0 if all could be measured.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { startPostgres } from '../test/support/postgres-server.ts';
import { type Bodies, makeBodies } from './bodies.ts';
import { type Contender, contest } from './contest.ts';
import type { LoadRequest } from './load.ts';
import { type LoadProcess, startLoad } from './load-process.ts';
import { machineFacts } from './machine.ts';
import { type Measured, measureLoad, megabytesPerSecond, requestsPerSecond } from './measured.ts';
import type { BenchOptions } from './section.ts';
import { buildServer } from './servers/built.ts';
import { startMoraine } from './servers/moraine.ts';
import type { BenchServer } from './servers/server.ts';
import { settle } from './settle.ts';
import { type Interval, medianInterval, ratiosOf, spreadOf } from './statistics.ts';
import { Undo } from './undo.ts';

const MIB = 2 ** 20;
/** Short measurements: a machine's speed drifts, and many close pairs cancel that better than a few long ones. */
const SIZES = { piece: 64 * MIB, pieces: 8, small: 8000 };
const UNLIMITED = { limitMs: Number.POSITIVE_INFINITY, verify: false };
/** The widest interval that still allows a conclusion. */
const WIDEST = 0.06;

interface Figure {
  readonly name: string;
  readonly unit: string;
  /** Unit of the figure. */
  rateOf(run: Measured): number;
  /** Prepares a server for this figure. @returns a function that is called once in each round. */
  of(server: BenchServer, bodies: Bodies, load: LoadProcess): Promise<() => Promise<Measured>>;
}

const FIGURES: readonly Figure[] = [
  { name: 'small', unit: '1/s', rateOf: requestsPerSecond, of: smallUploads },
  { name: 'upload', unit: 'MB/s', rateOf: megabytesPerSecond, of: largeUploads },
  { name: 'download', unit: 'MB/s', rateOf: megabytesPerSecond, of: downloads },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '45' },
    folder: { type: 'string', default: tmpdir() },
    postgres: { type: 'boolean', default: false },
  },
});
const [checkout, ...names] = positionals;
const rounds = Number(values.rounds);
const chosen = FIGURES.filter(({ name }) => names.length === 0 || names.includes(name));
if (checkout === undefined || chosen.length < names.length || !Number.isSafeInteger(rounds) || rounds < 15) {
  const figures = FIGURES.map(({ name }) => name).join('|');
  console.error(
    `usage: npm run versus -- CHECKOUT [${figures}]... [--rounds N, 15 or more, 45 by default] [--folder FOLDER] [--postgres]`,
  );
  process.exit(2);
}

const undo = new Undo();
const postgres = values.postgres ? startPostgres() : undefined;
if (postgres) undo.add(async () => postgres.remove());
const folder = await mkdtemp(join(values.folder, 'moraine-versus-'));
undo.add(() => rm(folder, { recursive: true, maxRetries: 5 }));
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, async () => {
    await undo.run();
    process.exit(1);
  });
}
try {
  const builds = [
    { name: 'these', main: await buildServer() },
    { name: 'those', main: await buildServer(resolve(checkout)) },
  ];
  console.log(
    `${machineFacts(folder)
      .map(([name, value]) => `${name}: ${value}`)
      .join('\n')}\n`,
  );
  for (const figure of chosen) await compare(figure, builds);
} finally {
  await undo.run();
}

async function compare(figure: Figure, builds: readonly { name: string; main: string }[]): Promise<void> {
  const own = new Undo();
  undo.add(() => own.run());
  const options: BenchOptions = {
    rounds,
    quick: false,
    sizes: SIZES,
    folder: join(folder, figure.name),
    atEnd: (step) => own.add(step),
    progress: (text) => console.error(`${figure.name}: ${text}`),
  };
  await mkdir(options.folder);
  own.add(() => rm(options.folder, { recursive: true, maxRetries: 5 }));
  try {
    const bodies = await makeBodies(join(options.folder, 'bodies'), SIZES.piece);
    const load = startLoad(options, bodies.file);
    const contenders: Contender[] = [];
    for (const build of builds) {
      const flags = postgres
        ? ['--catalog', await postgres.createDatabase(`${figure.name}_${build.name}`)]
        : [];
      const measure = await figure.of(await startMoraine(options, { ...build, flags }), bodies, load);
      contenders.push({
        name: build.name,
        async measure() {
          const run = await measure();
          return { value: figure.rateOf(run), run };
        },
      });
    }
    const results = await contest(options, contenders, () => settle(options));
    print(figure, results.values('these'), results.values('those'));
    printCost(figure, results.runs('these'), results.runs('those'));
  } finally {
    await own.run();
  }
}

function print({ name, unit }: Figure, these: readonly number[], those: readonly number[]): void {
  const ratios = ratiosOf(these, those);
  const interval = medianInterval(ratios);
  const median = (samples: readonly number[]) => spreadOf(samples).median.toPrecision(4);
  const span = `${interval.low.toFixed(3)}..${interval.high.toFixed(3)}`;
  console.log(
    `${name}: these ${median(these)} ${unit}, those ${median(those)} ${unit}; median of ${ratios.length} paired ratios ` +
      `${spreadOf(ratios).median.toFixed(3)}, 95 % interval ${span}: ${verdict(interval)}`,
  );
}

/** Compares the processor time of the whole server for the same work. On a shared machine it varies less than the rate. */
function printCost({ name }: Figure, these: readonly Measured[], those: readonly Measured[]): void {
  const cost = ({ serverSeconds = Number.NaN, answers, sentBytes, receivedBytes }: Measured) =>
    serverSeconds / (name === 'small' ? answers : sentBytes + receivedBytes);
  const ratios = ratiosOf(these.map(cost), those.map(cost));
  const { low, high } = medianInterval(ratios);
  const span = `${low.toFixed(3)}..${high.toFixed(3)}`;
  console.log(`${name}: processor time, ratio ${spreadOf(ratios).median.toFixed(3)}, 95 % interval ${span}`);
}

function verdict({ low, high }: Interval): string {
  if (high < 1) return 'SLOWER';
  // However wide: all of it is above 1.
  if (low >= 1) return 'faster';
  if (high - low > WIDEST) return 'no verdict, the interval is too wide: more rounds, or a quieter machine';
  return 'not slower';
}

async function smallUploads(server: BenchServer, bodies: Bodies, load: LoadProcess) {
  const { address, processes } = server;
  return async () => {
    const sent = Array.from({ length: SIZES.small }, (_, i) => bodies.small[i % bodies.small.length]);
    const requests = server.prepareSmall(sent.filter((body) => body !== undefined));
    const job = { ...UNLIMITED, address, requests, connections: 64 };
    return measureLoad(load, job, processes);
  };
}

async function largeUploads(server: BenchServer, bodies: Bodies, load: LoadProcess) {
  const { address, processes } = server;
  return async () => {
    const pieces = Array.from({ length: SIZES.pieces }, () => bodies.piece);
    const { requests, finish } = await server.prepareLarge(pieces);
    const job = { ...UNLIMITED, address, requests, connections: 4 };
    const run = await measureLoad(load, job, processes, finish);
    await server.removeLarge();
    return run;
  };
}

async function downloads(server: BenchServer, bodies: Bodies, load: LoadProcess) {
  const { address, processes } = server;
  const { request } = await server.prepareDownload(bodies, SIZES.pieces, load);
  const job = (requests: readonly LoadRequest[]) => ({ ...UNLIMITED, address, requests, connections: 1 });
  return async () => {
    // Reads the file back into the page cache, which may have dropped it since the last measurement.
    await load.run(job([request()]));
    return measureLoad(load, job(Array.from({ length: 4 }, request)), processes);
  };
}
