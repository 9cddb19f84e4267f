/**
 * `npm run failing-disk [-- PART]`: lets the disk of a server fail during each operation that changes something: writes,
 * flushes and names, of each kind of file. Prints what clients got. Exit code 1 if an acknowledged change is lost, a
 * refusal has no reason, or service does not return. Needs Linux and a C compiler.
 */
import { rm } from 'node:fs/promises';
import { type DiskFault, type FaultRow, failingDiskStory } from '../test/support/failing-disk-story.ts';
import { canFailFiles, failingFiles } from '../test/support/failing-files.ts';
import { temporaryFolder } from '../test/support/server.ts';

/** Every kind of file that requests write. */
const PARTS = [
  '/store/packs/',
  '/store/incoming',
  '/store/blobs/',
  '/store/journal/',
  '/catalog.sqlite',
  '/audit/',
];
const FAULTS = [
  { call: 'write', error: 'EIO', times: 1 },
  { call: 'write', error: 'EIO', times: 1000 },
  { call: 'write', error: 'ENOSPC', times: 1 },
  { call: 'write', error: 'ENOSPC', times: 1000 },
  { call: 'flush', error: 'EIO', times: 1 },
  { call: 'flush', error: 'EIO', times: 1000 },
  { call: 'name', error: 'EIO', times: 1 },
  { call: 'name', error: 'ENOSPC', times: 1000 },
  { call: 'name', error: 'EMFILE', times: 1 },
] as const;

if (!canFailFiles) {
  console.error('needs Linux and a C compiler');
  process.exit(2);
}
const wanted = process.argv[2] ?? '';
const files = failingFiles();
let failures = 0;
let [injected, hit, refused, atOnce, restarts] = [0, 0, 0, 0, 0];
try {
  for (const part of PARTS.filter((one) => one.includes(wanted))) {
    for (const fault of FAULTS) await play({ ...fault, part });
  }
} finally {
  files.remove();
}
console.log(
  `${injected} system calls failed in ${hit} operations: ${refused} were refused, of which ${atOnce} succeeded when ` +
    `repeated and ${restarts} after a restart; ${failures} stories failed`,
);
if (failures > 0) process.exitCode = 1;

async function play(fault: DiskFault): Promise<void> {
  const data = await temporaryFolder();
  const name = `${fault.part}: ${fault.call} fails with ${fault.error}, ${fault.times === 1 ? 'once' : 'always'}`;
  try {
    const rows = await failingDiskStory({ files, data, fault, flags: ['--workers', '2'] });
    print(name, rows);
  } catch (error) {
    failures++;
    console.log(`${name}: FAILED`, error);
  } finally {
    await rm(data, { recursive: true });
  }
}

function print(name: string, rows: readonly FaultRow[]): void {
  const failed = rows.filter((row) => row.failed > 0);
  for (const row of failed) {
    injected += row.failed;
    hit++;
    if (row.reason !== '') refused++;
    if (row.recovered === 'at once') atOnce++;
    if (row.recovered === 'after a restart') restarts++;
  }
  console.log(`\n${name}: ${failed.length} operations`);
  const reasons = new Map<string, string[]>();
  for (const { operation, status, reason, recovered } of failed) {
    const key = `${status} ${reason} ${recovered && `(again: ${recovered})`}`;
    reasons.set(key, [...(reasons.get(key) ?? []), operation]);
  }
  for (const [reason, operations] of reasons) console.log(`  ${reason}: ${operations.join(', ')}`);
}
