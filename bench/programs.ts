/** Runs other programs to their end, or as servers until the end of a section. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { connect, createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import type { Address } from './load.ts';
import type { BenchOptions } from './section.ts';

const LISTENING_WITHIN_MS = 30_000;
const PAUSE_MS = 50;

/** The path of a program; undefined if it is not installed. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end. @returns its standard output. @throws Error with its standard error if it fails. */
export function runProgram(
  program: string,
  args: readonly string[],
): Promise<{ readonly output: string; readonly errors: string }> {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [output, errors] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve({ output, errors });
      else reject(new Error(`${program} ended with exit code ${code}: ${errors}`));
    });
  });
}

/** Starts a server, and waits until it listens. It ends with the section. @throws Error if it does not listen. */
export async function startProgram(
  { atEnd }: Pick<BenchOptions, 'atEnd'>,
  program: string,
  args: readonly string[],
  address: Address,
): Promise<number> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors = (errors + chunk.toString()).slice(-2000);
  });
  const ended = new Promise<void>((resolve) => {
    child.on('error', () => resolve());
    child.on('exit', () => resolve());
  });
  atEnd(() => {
    if (hasEnded(child)) return;
    child.kill('SIGTERM');
    return ended;
  });
  for (const end = Date.now() + LISTENING_WITHIN_MS; Date.now() < end && !hasEnded(child); ) {
    if (child.pid !== undefined && (await isListening(address))) return child.pid;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error(`${program} does not listen: ${errors}`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

function isListening({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.on('error', () => resolve(false));
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Finds a free port on the loopback. */
export function freeAddress(): Promise<Address> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve({ host: '127.0.0.1', port }));
    });
  });
}
