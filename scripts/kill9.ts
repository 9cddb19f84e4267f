/**
 * `npm run kill9 [-- ROUNDS [SEED [sqlite|postgres]]]`: repeatedly kills all processes of a server with SIGKILL while
 * clients send every kind of change, on one data folder. After each start, checks that everything acknowledged exists
 * unchanged. Exit code 0 only if it does. With `postgres`, the catalog is in a PostgreSQL that the script starts.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { apiOf } from '../test/support/api.ts';
import { Checks, type OnDisk, openOnDisk } from '../test/support/crash/checks.ts';
import { Ledger } from '../test/support/crash/ledger.ts';
import { Load } from '../test/support/crash/load.ts';
import { Registers } from '../test/support/crash/registers.ts';
import { checkJournal, checkStore } from '../test/support/crash/replay.ts';
import { type Random, seeded } from '../test/support/crash/seeded.ts';
import { compactedPacks } from '../test/support/pack-reader.ts';
import { eventually } from '../test/support/poll.ts';
import { startPostgres } from '../test/support/postgres-server.ts';
import { temporaryFolder } from '../test/support/server.ts';
import { type ServerGroup, startGroup } from '../test/support/server-group.ts';
import { measureNodeStart } from './node-start.ts';
import { numberArgument } from './number-argument.ts';

const CLIENTS = 10;
/**
 * Limits for the time of a start, in multiples of the time of `node -e 0`: for the median, and for each start. A start
 * takes about 20 on two idle cores: three processes load the sources in turn, and recovery flushes folders. With ten other
 * processes per core, the median was 70 and the maximum 133.
 */
const READY_WITHIN = { median: 40, each: 100 };
const SHORTEST_MS = 20;
const LONGEST_MS = 800;
/** Share of rounds that begin by killing a server soon after it is ready, and the time until the kill. */
const SHORT_LIVES = 0.3;
const TIDYING_MS = 150;
const SWEPT_WITHIN_MS = 60_000;
/** Blobs that a start sets aside are removed at once, so that the store finally has only blobs that the catalog names. */
const FLAGS = ['--workers', '2', '--keep-aside', '0s'];

const rounds = numberArgument(0, 200);
const seed = numberArgument(1, Date.now() % 1_000_000);
const engine = process.argv[4] ?? 'sqlite';
if (engine !== 'sqlite' && engine !== 'postgres') {
  console.error(`${JSON.stringify(engine)} is neither sqlite nor postgres`);
  process.exit(2);
}
const random = seeded(seed);
const ledger = new Ledger();
const registers = new Registers(ledger, random);
const readyMs: number[] = [];
const roundMs: number[] = [];
/** Times of starts, in multiples of the time of `node -e 0`. */
const startRatios: number[] = [];
/** Compacted packs, by name and size. A pack that is compacted again counts again. */
const compacted = new Set<string>();

const data = await temporaryFolder();
const postgres = engine === 'postgres' ? startPostgres() : undefined;
const flags = [...FLAGS, ...(postgres ? ['--catalog', postgres.url] : [])];
console.log(`${rounds} rounds, seed ${seed}, data folder ${data}, ${engine}`);
try {
  for (let round = 1; round <= rounds && ledger.violations.length === 0; round++) {
    const began = performance.now();
    await playRound(round);
    roundMs.push(performance.now() - began);
    if (round % 20 === 0) console.log(`round ${round}: ${JSON.stringify(ledger.counts)}`);
  }
  if (ledger.violations.length === 0) await finish();
  const { median } = spread(startRatios);
  ledger.expect(
    median < READY_WITHIN.median,
    `half of the starts took over ${median} times as long as node -e 0`,
  );
} finally {
  summarize();
  postgres?.remove();
}
if (ledger.violations.length === 0) await rm(data, { recursive: true });
else process.exitCode = 1;

/** Starts, checks everything acknowledged before, loads, kills, and checks the journal. */
async function playRound(round: number): Promise<void> {
  if (round > 1 && random() < SHORT_LIVES) await killWhileTidying();
  await withServer(async (server, disk) => {
    const api = apiOf(server);
    await new Checks(api, ledger, disk).run('new');
    if (round > 1) await registers.check(api);
    const load = new Load(api, ledger, registers, random);
    if (round === 1) await load.prepare();
    await killUnder(load, server, random);
    await noteMarkers(disk);
    await checkJournal(disk, ledger);
  });
}

/** Kills a server that has just started, while it sweeps and compacts. The next start must still find everything. */
async function killWhileTidying(): Promise<void> {
  await withServer(async (server, disk) => {
    await new Promise((resolve) => setTimeout(resolve, random() * TIDYING_MS));
    await server.kill();
    await noteMarkers(disk);
  });
}

/** Runs a check on a server, and always ends the server. A failure of the check counts as a violation. */
async function withServer(use: (server: ServerGroup, disk: OnDisk) => Promise<void>): Promise<void> {
  const server = await start();
  const disk = await openOnDisk(data, postgres?.url);
  try {
    await use(server, disk);
  } catch (error) {
    ledger.violated(error instanceof Error ? (error.stack ?? error.message) : String(error));
  } finally {
    await server.kill();
    await disk.catalog.close();
  }
  if (ledger.violations.length > 0) console.log(server.errors());
}

async function start(): Promise<ServerGroup> {
  const before = measureNodeStart();
  const server = await startGroup(data, flags);
  // Measures again, because the machine may have become busy.
  const isSlow = server.readyMs >= before * READY_WITHIN.each;
  const nodeMs = isSlow ? Math.max(before, measureNodeStart()) : before;
  readyMs.push(server.readyMs);
  startRatios.push(server.readyMs / nodeMs);
  ledger.expect(
    server.readyMs < nodeMs * READY_WITHIN.each,
    `the server took ${Math.round(server.readyMs)} ms to be ready, while node -e 0 takes ${Math.round(nodeMs)} ms`,
  );
  return server;
}

async function killUnder(load: Load, server: ServerGroup, pick: Random): Promise<void> {
  const working = load.run(CLIENTS);
  await new Promise((resolve) => setTimeout(resolve, SHORTEST_MS + pick() * (LONGEST_MS - SHORTEST_MS)));
  load.stop();
  await server.kill();
  await working;
}

/** Notes the packs that the killed processes wrote to, because the next start must confirm each of them. */
async function noteMarkers({ store }: OnDisk): Promise<void> {
  for (const name of await readdir(join(store, 'incoming')))
    if (name.endsWith('.open')) ledger.markers.add(name);
  for (const pack of await compactedPacks(store)) compacted.add(pack);
}

/** Lets the last server run until all garbage is gone; then reads and compares everything. */
async function finish(): Promise<void> {
  await withServer(async (server, disk) => {
    await new Checks(apiOf(server), ledger, disk).run('all');
    await registers.check(apiOf(server));
    await eventually('the garbage is swept', () => isSwept(disk), SWEPT_WITHIN_MS);
    const code = await server.stop();
    ledger.expect(code === 0, `the server stopped with exit code ${code}`);
    const blobs = await checkStore(disk, ledger);
    console.log(`at the end: ${blobs} blobs in the store`);
  });
}

async function isSwept({ catalog, store }: OnDisk): Promise<boolean> {
  if ((await readdir(join(store, 'aside'))).length > 0) return false;
  return (await catalog.listGarbage({ after: null, limit: 1 })).rows.length === 0;
}

function spread(all: readonly number[]) {
  const sorted = [...all].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.floor(share * (sorted.length - 1))] ?? 0);
  return { median: at(0.5), '95 %': at(0.95), greatest: at(1) };
}

function summarize(): void {
  console.log(`seed ${seed}: ${roundMs.length} rounds`);
  console.table({
    'start to ready, ms': spread(readyMs),
    'start to ready, in starts of node -e 0': spread(startRatios),
    'whole round, ms': spread(roundMs),
  });
  console.table(ledger.counts);
  console.log(
    `${ledger.markers.size} packs were written to at a kill, ${compacted.size} compactions happened`,
  );
  for (const violation of ledger.violations.slice(0, 50)) console.log(`VIOLATED: ${violation}`);
  console.log(ledger.violations.length === 0 ? 'everything held' : `${ledger.violations.length} violations`);
}
