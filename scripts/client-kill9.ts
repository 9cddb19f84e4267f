/**
 * `npm run client-kill9 [-- MIB [KILLS [SEED]]]`: uploads a file with the client library and kills the program KILLS times
 * with SIGKILL, at random points; a quarter of the times the state file is deleted before the next attempt. Then
 * downloads the archive in the same way. Exit code 0 only if there is one archive with the right hash, the downloaded
 * file has the same bytes, and beyond the parts under way at a kill no byte was moved twice.
 */
import { spawn } from 'node:child_process';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { hashSource } from '../src/client/index.ts';
import { seeded } from '../test/support/crash/seeded.ts';
import { libraryClient } from '../test/support/library-client.ts';
import { startServer, temporaryFolder } from '../test/support/server.ts';
import type { Transfer } from '../test/support/transfer-child.ts';
import { numberArgument } from './number-argument.ts';

const CHILD = fileURLToPath(new URL('../test/support/transfer-child.ts', import.meta.url));
const MIB = 1024 * 1024;
const PART = 16 * MIB;
const PARALLEL = 4;
/** What may be on its way at a kill, and what a program moves before it tells. */
const UNDER_WAY = PARALLEL * PART + MIB;

const size = numberArgument(0, 3072) * MIB;
const kills = numberArgument(1, 20);
const seed = numberArgument(2, Date.now() % 1_000_000);
const random = seeded(seed);
console.log(`${size / MIB} MiB, ${kills} kills each, seed ${seed}`);

const [server, folder] = await Promise.all([startServer(), temporaryFolder()]);
const client = libraryClient(server);
const path = join(folder, 'source');
const back = join(folder, 'back');
const statePath = join(folder, 'state');
const vaultName = 'killed';
const place = { url: server.url, credentials: server };
const failures: string[] = [];
const expect = (holds: boolean, what: string): void => void (holds || failures.push(what));
try {
  await writeSource();
  const { treeHash } = await hashSource({ path });
  await client.createVault({ vaultName });
  const options = { vaultName, source: { path }, description: 'killed', partSize: PART, parallel: PARALLEL };
  const upload = { ...options, statePath, resume: 'search' } as const;
  const stored = await untilDone('upload', { ...place, upload }, async (kill) => {
    if (kill % 4 === 0) await rm(statePath, { force: true });
  });
  expect(
    stored['treeHash'] === treeHash,
    `the archive has the tree hash ${stored['treeHash']}, not ${treeHash}`,
  );
  const { numberOfArchives } = await client.describeVault({ vaultName });
  expect(numberOfArchives === 1, `there are ${numberOfArchives} archives`);
  const { uploadsList } = await client.listMultipartUploads({ vaultName });
  expect(uploadsList.length === 0, `${uploadsList.length} uploads are left over`);
  const archiveId = String(stored['archiveId']);
  const download = { vaultName, archiveId, path: back, rangeSize: PART, parallel: PARALLEL };
  await untilDone('download', { ...place, download });
  expect((await hashSource({ path: back })).treeHash === treeHash, 'the downloaded file has other bytes');
} finally {
  client.close();
  await server.stop();
  await rm(folder, { recursive: true });
}
for (const failure of failures) console.error(failure);
console.log(failures.length === 0 ? 'all as it should be' : `${failures.length} failures`);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Writes random bytes, so that no two parts are equal. */
async function writeSource(): Promise<void> {
  const file = await open(path, 'w');
  const block = Buffer.alloc(MIB);
  for (let at = 0; at < size; at += MIB) {
    for (let i = 0; i < MIB; i += 4096) block.writeDoubleLE(random(), i);
    await file.write(block);
  }
  await file.close();
}

/** Runs a transfer, kills it until it was killed often enough, and returns the result of the last run. */
async function untilDone(
  name: string,
  transfer: Transfer,
  between: (kill: number) => Promise<void> = async () => {},
): Promise<Readonly<Record<string, unknown>>> {
  let moved = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const share = (size / (kills + 1)) * 2 * random();
    const run = await runUntil(transfer, share);
    if (run.result) return end(name, moved + run.moved, kill - 1, run.result);
    moved += run.moved;
    await between(kill);
  }
  const last = await runUntil(transfer, Infinity);
  return end(name, moved + last.moved, kills, last.result ?? {});
}

function end(
  name: string,
  moved: number,
  killed: number,
  result: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  console.log(`${name}: ${killed} kills, ${Math.round(moved / MIB)} MiB moved for ${size / MIB} MiB`);
  expect(moved <= size + killed * UNDER_WAY, `the ${name} moved ${moved} bytes for ${size}`);
  expect(killed >= Math.min(kills, 1), `the ${name} was not killed`);
  return result;
}

interface Run {
  readonly moved: number;
  /** Undefined if the program was killed. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

/** Runs a transfer, and kills it once it has moved so many bytes. */
async function runUntil(transfer: Transfer, bytes: number): Promise<Run> {
  const child = spawn(process.execPath, [CHILD, JSON.stringify(transfer)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  let moved = 0;
  let result: Run['result'];
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('{')) result = JSON.parse(line);
    else moved = Number(line);
    if (moved >= bytes) child.kill('SIGKILL');
  }
  const code = await ended;
  if (!result && code !== null) throw new Error(`the transfer ended with exit code ${code}`);
  return { moved, result };
}
