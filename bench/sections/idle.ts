import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer, type TestServer } from '../../test/support/server.ts';
import { type Bodies, makeBodies } from '../bodies.ts';
import { type LoadProcess, startLoad } from '../load-process.ts';
import { proportionalMiB, residentMiB } from '../memory.ts';
import type { BenchOptions, Row, Section } from '../section.ts';
import { buildServer } from '../servers/built.ts';
import { glacierOf, VAULT } from '../servers/glacier.ts';

const FLAGS = ['--workers', String(availableParallelism())];
/** Concurrent uploads in the burst. */
const WIDTH = 64;
/** Wait after a start, and after the burst, before reading memory. By then all chores but the slowest have run. */
const REST_MS = { usual: 10_000, quick: 1000 };

export const idle: Section = {
  name: 'idle',
  about:
    'A built server (`npm run build`) without requests: the time from its start until it is ready, in ' +
    'an empty folder and in a used one, and the memory of its processes, before and after a burst of ' +
    'archives of 4 KiB. Resident memory includes shared memory for each process; the sum counts it once.',
  run,
};

type Moment = 'idle' | 'after a burst';
/** Samples by name, in the order of the rounds. */
type Figures = Map<string, number[]>;

interface AllFigures {
  /** ms. */
  readonly times: Figures;
  /** MiB. */
  readonly memory: Figures;
}

/** The program, and a data folder for it. */
interface Place {
  readonly main: string;
  readonly data: string;
}

async function run(options: BenchOptions): Promise<readonly Row[]> {
  const main = await buildServer();
  const bodies = await makeBodies(join(options.folder, 'bodies'), options.sizes.piece);
  const load = startLoad(options, bodies.file);
  const counted: AllFigures = { times: new Map(), memory: new Map() };
  for (let round = 0; round <= options.rounds; round++) {
    options.progress(round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`);
    const figures = round === 0 ? { times: new Map(), memory: new Map() } : counted;
    const place = { main, data: join(options.folder, `data${round}`) };
    await measureRound(options, place, (server) => burst(options, server, bodies, load), figures);
  }
  return [...rowsOf(counted.times, 'ms'), ...rowsOf(counted.memory, 'MiB')];
}

async function measureRound(
  options: BenchOptions,
  place: Place,
  disturb: (server: TestServer) => Promise<void>,
  { times, memory }: AllFigures,
): Promise<void> {
  const first = await startTimed(options, place, 'start in an empty folder', times);
  await rest(options);
  noteMemory(first, 'idle', memory);
  await disturb(first);
  await rest(options);
  noteMemory(first, 'after a burst', memory);
  await first.stop();
  const second = await startTimed(options, place, 'start again', times);
  await second.stop();
}

async function startTimed(
  { atEnd }: BenchOptions,
  place: Place,
  name: string,
  times: Figures,
): Promise<TestServer> {
  const began = performance.now();
  const starting = startServer({ ...place, flags: FLAGS });
  atEnd(async () => {
    const started = await starting.catch(() => undefined);
    await started?.stop();
  });
  const server = await starting;
  note(times, name, performance.now() - began);
  return server;
}

function rest({ quick }: BenchOptions): Promise<void> {
  return pause(quick ? REST_MS.quick : REST_MS.usual);
}

async function burst(
  { sizes }: BenchOptions,
  server: TestServer,
  bodies: Bodies,
  load: LoadProcess,
): Promise<void> {
  const glacier = glacierOf(server);
  await glacier.api.createVault(VAULT);
  const sent = Array.from({ length: sizes.small }, (_, i) => bodies.small[i % bodies.small.length]);
  const requests = sent.flatMap((body) => (body ? [glacier.upload(body)] : []));
  const { hostname: host, port } = new URL(server.url);
  const job = { address: { host, port: Number(port) }, requests, connections: WIDTH, verify: false };
  await load.run({ ...job, limitMs: Number.POSITIVE_INFINITY });
}

function noteMemory({ process: { pid = 0 } }: TestServer, moment: Moment, memory: Figures): void {
  const serving = childrenOf(pid);
  note(memory, `primary, resident, ${moment}`, residentMiB(pid));
  note(memory, `the largest serving process, resident, ${moment}`, Math.max(...serving.map(residentMiB)));
  const all = [pid, ...serving].map(proportionalMiB);
  note(
    memory,
    `all processes together, ${moment}`,
    all.reduce((sum, part) => sum + part, 0),
  );
}

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return text.split(' ').filter(Boolean).map(Number);
}

function note(figures: Figures, name: string, value: number): void {
  figures.set(name, [...(figures.get(name) ?? []), value]);
}

function rowsOf(figures: Figures, unit: string): Row[] {
  return [...figures].map(([name, samples]) => ({ name, unit, better: 'lower', samples }));
}
