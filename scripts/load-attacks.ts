/**
 * `npm run load-attacks`: tries to exhaust servers of several processes. Measures memory and open files before, during and
 * one minute after each load, and checks health. Each load has its own server. Exit code 1 if a limit is exceeded. Linux.
 * Options: `--soak-minutes N` adds a soak of N minutes, `--only NAME` runs one load.
 */
import { spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { apiOf } from '../test/support/api.ts';
import { jobsOf } from '../test/support/jobs.ts';
import { MIB, patternBytes } from '../test/support/pattern.ts';
import { temporaryFolder } from '../test/support/server.ts';
import { type ServerGroup, startGroup } from '../test/support/server-group.ts';
import type { AttackName, Orders } from './load/attacker.ts';
import { type Holding, healthMs, holdingOf, type Watched, watch } from './load/meter.ts';

const ATTACKER = fileURLToPath(new URL('load/attacker.ts', import.meta.url));
const BIG_BYTES = 20 * MIB;
const AFTER_MS = 60_000;
/** How long memory may still grow after the clients of a load have gone. */
const LINGER_MS = 10_000;
/** Limits for all processes together. */
const RISE_DURING_MIB = 700;
const RISE_AFTER_MIB = 100;
const HEALTH_P99_MS = 500;
/** Files that a server may keep open for later use. */
const DESCRIPTORS_KEPT = 64;

interface Load {
  readonly name: string;
  readonly attack: AttackName;
  readonly seconds: number;
  readonly connections?: number;
  /** Limit for each process of the server; by default the process's own. */
  readonly descriptors?: number;
}

const { soak, only } = options();
const LOADS: readonly Load[] = [
  { name: 'interrupted downloads', attack: 'downloads', seconds: 30 },
  { name: 'one-byte chunks, known key', attack: 'chunks-by-key', seconds: 30 },
  { name: 'one-byte chunks, unsigned', attack: 'chunks-unsigned', seconds: 30 },
  { name: 'flood at 1024 descriptors', attack: 'flood', seconds: 60, connections: 4000, descriptors: 1024 },
  { name: 'flood at 4096 descriptors', attack: 'flood', seconds: 60, connections: 10_000, descriptors: 4096 },
  { name: '200 clients of 1 MiB', attack: 'clients', seconds: 20 },
  ...(soak > 0 ? [{ name: `soak of ${soak} min`, attack: 'soak', seconds: soak * 60 } as const] : []),
];

const faults: string[] = [];
/** The minute of rest after a load passes while the next one runs. */
const settling: Promise<void>[] = [];
for (const load of LOADS.filter(({ attack }) => only === undefined || attack === only)) {
  settling.push((await run(load)).settled);
}
await Promise.all(settling);
for (const fault of faults) console.log(`FAULT ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;

/** Runs a load; `settled` resolves when the server has rested for a minute, was checked, and has ended. */
async function run(load: Load): Promise<{ readonly settled: Promise<void> }> {
  const data = await temporaryFolder();
  const server = await startGroup(data, ['--workers', '2'], load.descriptors);
  const orders = await prepare(server, load);
  const before = await holdingOf(server);
  const during = await watch(
    server,
    attacked(orders).then(() => pause(LINGER_MS)),
  );
  const settled = (async () => {
    await pause(AFTER_MS - LINGER_MS);
    const after = await holdingOf(server);
    const wellMs = await healthMs(server.url);
    report(load, before, during, after, wellMs);
    if (server.errors() !== '') console.log(server.errors().slice(0, 2000));
    await server.kill();
    await rm(data, { recursive: true });
  })();
  return { settled };
}

/** Makes a vault with archives of 20 MiB and 1 MiB, each with a retrieval that can be downloaded. */
async function prepare(server: ServerGroup, { attack, seconds, connections = 0 }: Load): Promise<Orders> {
  const api = apiOf(server);
  await api.createVault('load');
  const outputOf = async (bytes: number): Promise<string> => {
    const job = await jobsOf(api).startRetrieval('load', await api.upload('load', patternBytes(bytes)));
    return `/-/vaults/load/jobs/${job}/output`;
  };
  const { url, accountId, accessKeyId, secretAccessKey } = server;
  const [bigOutput, smallOutput] = [await outputOf(BIG_BYTES), await outputOf(MIB)];
  return {
    attack,
    seconds,
    connections,
    url,
    accountId,
    accessKeyId,
    secretAccessKey,
    bigOutput,
    smallOutput,
  };
}

function attacked(orders: Orders): Promise<void> {
  const child = spawn(process.execPath, [ATTACKER, JSON.stringify(orders)], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`the attacker ended with code ${code}`)),
    );
  });
}

function report({ name }: Load, before: Holding, during: Watched, after: Holding, wellMs: number): void {
  const { peak, healthP99Ms, answers, failures } = during;
  console.log(
    `${name}: memory ${before.pssMiB} → ${peak.pssMiB} → ${after.pssMiB} MiB, descriptors ` +
      `${before.descriptors} → ${peak.descriptors} → ${after.descriptors} (before, during, a minute after); ` +
      `health p99 ${Math.round(healthP99Ms)} ms (${answers} answers, ${failures} failed), then ${Math.round(wellMs)} ms`,
  );
  const hold = (what: string, value: number, bound: number): void => {
    if (!(value <= bound)) faults.push(`${name}: ${what} is ${value}, bound ${bound}`);
  };
  hold('MiB above idle during it', peak.pssMiB - before.pssMiB, RISE_DURING_MIB);
  hold('MiB above idle a minute after', after.pssMiB - before.pssMiB, RISE_AFTER_MIB);
  hold('descriptors above idle a minute after', after.descriptors - before.descriptors, DESCRIPTORS_KEPT);
  hold('health p99 in ms', Math.round(healthP99Ms), HEALTH_P99_MS);
  hold('health a minute after in ms', Math.round(wellMs), HEALTH_P99_MS);
}

function options(): { soak: number; only: string | undefined } {
  try {
    const { values } = parseArgs({
      options: { 'soak-minutes': { type: 'string' }, only: { type: 'string' } },
    });
    const minutes = values['soak-minutes'] ?? '0';
    if (!/^\d{1,4}$/.test(minutes))
      throw new Error(`--soak-minutes must be a whole number, not ${JSON.stringify(minutes)}`);
    return { soak: Number(minutes), only: values.only };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}
