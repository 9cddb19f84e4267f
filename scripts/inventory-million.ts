/**
 * `npm run inventory-million [-- COUNT]`: makes the inventory of a vault with a million archives in JSON and in CSV, and
 * prints the time and the peak memory of the server, which is one process. Compares both outputs with the catalog, row by
 * row. Exit code 1 above 256 MiB, or for any difference.
 */
import { readFile, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import { toInventoryDate } from '../src/domain/inventory.ts';
import { type Api, apiOf } from '../test/support/api.ts';
import {
  type InventoryRow,
  parseCsvInventory,
  parseJsonInventory,
} from '../test/support/inventory-streams.ts';
import { type Jobs, jobsOf } from '../test/support/jobs.ts';
import { startServer, type TestServer, temporaryFolder } from '../test/support/server.ts';
import { fillVault } from './fill-vault.ts';
import { numberArgument } from './number-argument.ts';

const VAULT = 'million';
const BOUND_MIB = 256;
const POLL_MS = 200;

const count = numberArgument(0, 1_000_000);
const data = await temporaryFolder();
const start = () => startServer({ data });
let failed = false;
try {
  const first = await start();
  await apiOf(first).createVault(VAULT);
  await first.stop();
  const filling = performance.now();
  fillVault({ data, vault: VAULT, count });
  console.log(`${count} archives filled in ${secondsSince(filling)} s`);
  for (const format of ['JSON', 'CSV'] as const) await measure(format);
} finally {
  await rm(data, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;

/** Uses a new server, so that its peak memory does not include the other format. */
async function measure(format: 'JSON' | 'CSV'): Promise<void> {
  const server = await start();
  try {
    const api = apiOf(server);
    const idle = await peakMiB(server);
    const began = performance.now();
    const jobs = jobsOf(api);
    const id = await jobs.startInventory(VAULT, { Format: format });
    const size = await untilMade(jobs, id);
    const made = secondsSince(began);
    const peak = await peakMiB(server);
    const reading = performance.now();
    const rows = await compare(api, id, format);
    const peakOfAll = await peakMiB(server);
    console.log(
      `${format}: ${rows} rows, ${(size / 2 ** 20).toFixed(0)} MiB made in ${made} s; peak ${peak} MiB ` +
        `(${idle} MiB at the start); read back and compared in ${secondsSince(reading)} s, peak ${peakOfAll} MiB`,
    );
    if (Math.max(peak, peakOfAll) > BOUND_MIB || rows !== count) failed = true;
  } finally {
    await server.stop();
  }
}

/** Polls rarely, so that the answers take little of the measured time. */
async function untilMade(jobs: Jobs, id: string): Promise<number> {
  for (;;) {
    const described = await jobs.describe(VAULT, id);
    if (described['StatusCode'] === 'Succeeded') return Number(described['InventorySizeInBytes']);
    await pause(POLL_MS);
  }
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}

/** Peak resident memory (Linux). */
async function peakMiB({ process: { pid } }: TestServer): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024);
}

/** Compares all rows. @returns their number. @throws Error for the first that differs. */
async function compare(api: Api, jobId: string, format: 'JSON' | 'CSV'): Promise<number> {
  const catalog = new DatabaseSync(join(data, 'catalog.sqlite'), { readOnly: true, timeout: 5000 });
  const stored = catalog
    .prepare('select id, description, created_ms, size, tree_hash from archives order by created_ms, no')
    .iterate();
  const parse = format === 'JSON' ? parseJsonInventory : parseCsvInventory;
  let rows = 0;
  try {
    for await (const row of parse(await output(api, jobId))) {
      const { value } = stored.next();
      requireEqual(row, value as Record<string, unknown> | undefined);
      rows++;
    }
    if (!stored.next().done) throw new Error(`the inventory ends after ${rows} rows`);
    return rows;
  } finally {
    catalog.close();
  }
}

function requireEqual(row: InventoryRow, stored: Record<string, unknown> | undefined): void {
  const expected: InventoryRow = {
    ArchiveId: String(stored?.['id']),
    ArchiveDescription: String(stored?.['description'] ?? ''),
    CreationDate: toInventoryDate(Number(stored?.['created_ms'])),
    Size: Number(stored?.['size']),
    SHA256TreeHash: Buffer.from(stored?.['tree_hash'] as Uint8Array).toString('hex'),
  };
  const [got, wanted] = [JSON.stringify(row), JSON.stringify(expected)];
  if (got !== wanted) throw new Error(`a row differs:\n${got}\n${wanted}`);
}

function output(api: Api, jobId: string): Promise<IncomingMessage> {
  const { hostname, port } = new URL(api.url);
  const path = `/-/vaults/${VAULT}/jobs/${jobId}/output`;
  return new Promise((resolve, reject) => {
    const headers = api.headersOf('GET', path);
    request({ hostname, port, path, headers }, resolve).on('error', reject).end();
  });
}
