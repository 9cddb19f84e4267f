/**
 * `npm run starts`: measures how long the built server takes from its start until it is ready, and the processor time
 * that it spends. Each start is paired with a run of `node -e 0`, so that a ratio holds on any machine.
 *
 *   npm run starts -- [RUNS] [FLAG...]    FLAGs are for the server, such as --workers 1
 */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { numberArgument } from '../scripts/number-argument.ts';
import { processorSeconds } from './processor-time.ts';
import { freeAddress } from './programs.ts';
import { ratiosOf, spreadOf } from './statistics.ts';

const RUNS = 15;
const READY = 'moraine: ready on ';

interface Start {
  readonly readyMs: number;
  /** Of all its processes, until it was ready, ms. */
  readonly cpuMs: number;
  /** Time of `node -e 0` just before, ms. */
  readonly nodeMs: number;
}

const main = process.env['MORAINE_TEST_MAIN'];
if (main === undefined) throw new Error('Run this with `npm run starts`, which builds the server.');
const flags = process.argv.slice(3);
const folder = mkdtempSync(join(tmpdir(), 'moraine-starts-'));
try {
  const used = join(folder, 'used');
  // The first start also fills the page cache with the program.
  await measureStart(used);
  const runs = Array.from({ length: numberArgument(0, RUNS) }, (_, i) => join(folder, `empty${i}`));
  const starts = { 'existing folder': [] as Start[], 'empty folder': [] as Start[] };
  const flushes: number[] = [];
  for (const empty of runs) {
    starts['existing folder'].push(await measureStart(used));
    starts['empty folder'].push(await measureStart(empty));
    flushes.push(measureFlush(join(folder, 'flushed')));
  }
  for (const [name, samples] of Object.entries(starts)) report(name, samples);
  process.stdout.write(`one flush of 4 KiB: ${spreadOf(flushes).median.toFixed(1)} ms\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Starts a server on a free port, waits until it is ready, and stops it. @throws Error if it ends before. */
async function measureStart(data: string): Promise<Start> {
  const { port } = await freeAddress();
  const nodeMs = measureNode();
  const began = performance.now();
  const args = [main as string, 'serve', '--data', data, '--listen', `127.0.0.1:${port}`, ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const readyMs = await new Promise<number>((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes(READY)) resolve(performance.now() - began);
    });
    void ended.then((code) => reject(new Error(`the server ended with exit code ${code}`)));
  });
  const cpuMs = 1000 * processorSeconds([child.pid ?? 0]);
  child.kill('SIGTERM');
  await ended;
  return { readyMs, cpuMs, nodeMs };
}

function measureNode(): number {
  const began = performance.now();
  spawnSync(process.execPath, ['-e', '0']);
  return performance.now() - began;
}

/** Time to write and flush one page of a file, ms. */
function measureFlush(path: string): number {
  const file = openSync(path, 'w');
  try {
    const began = performance.now();
    writeSync(file, Buffer.alloc(4096));
    fdatasyncSync(file);
    return performance.now() - began;
  } finally {
    closeSync(file);
  }
}

/** Prints medians, and the mean of the processor time, which the kernel counts in steps of 10 ms. */
function report(name: string, starts: readonly Start[]): void {
  const ready = starts.map(({ readyMs }) => readyMs);
  const node = starts.map(({ nodeMs }) => nodeMs);
  const cpu = starts.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / starts.length;
  const ratio = spreadOf(ratiosOf(ready, node));
  process.stdout.write(
    `${name}: ready after ${spreadOf(ready).median.toFixed(0)} ms, ${ratio.median.toFixed(1)} times ` +
      `node -e 0 (${spreadOf(node).median.toFixed(0)} ms; ratios ${ratio.least.toFixed(1)} to ` +
      `${ratio.greatest.toFixed(1)}); processor time ${cpu.toFixed(0)} ms\n`,
  );
}
