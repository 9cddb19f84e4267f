/** A server as a user runs it: a separate process on a free port, with a folder that is removed after the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN } from './program.ts';

export interface Credentials {
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface TestServer extends Credentials {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly data: string;
  readonly process: ChildProcess;
  /** Its standard output until it was ready. */
  readonly output: string;
  /** Its standard error so far. */
  errors(): string;
  /** Stops it like a supervisor; returns the exit code. */
  stop(): Promise<number | null>;
  /** Kills primary and serving processes, so that they cannot clean up, as in a power cut. */
  kill(): Promise<void>;
}

export interface StartOptions {
  /** An existing data folder; by default a new temporary one, which `stop` removes. */
  readonly data?: string;
  readonly flags?: readonly string[];
  /** Whether the load decides how many processes serve, as by default; otherwise one does. */
  readonly growing?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** The program; the sources by default. */
  readonly main?: string;
  /** User and group to run as; only root may choose. */
  readonly uid?: number;
  /** Whether the reserve has its default size of 64 MiB; otherwise 1 MiB, which is faster to write. */
  readonly fullReserve?: boolean;
}

/** Starts `moraine serve` and waits until it is ready. @throws Error with what it printed when it ends instead. */
export async function startServer(options: StartOptions = {}): Promise<TestServer> {
  const data = options.data ?? (await temporaryFolder());
  const args = [
    // As `npm start` does.
    '--max-semi-space-size=16',
    options.main ?? MAIN,
    'serve',
    '--data',
    data,
    '--listen',
    '127.0.0.1:0',
    ...(options.growing ? [] : ['--workers', '1']),
    ...(options.flags ?? []),
  ];
  const child = spawn(process.execPath, args, {
    env: {
      ...withoutOwn(process.env),
      // A busy machine must not fail a test that is not about this limit.
      MORAINE_CATALOG_TIMEOUT: '5m',
      ...(options.fullReserve ? {} : { MORAINE_RESERVE: '1MiB' }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...asUser(options.uid),
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const output = await untilReady(child, exited, () => errors);
  const line = (name: string) => new RegExp(`^${name}:\\s+(.*)$`, 'm').exec(output)?.[1] ?? '';
  return {
    url: /ready on (\S+)/.exec(output)?.[1] ?? '',
    data,
    process: child,
    accountId: line('account id'),
    accessKeyId: line('access key'),
    secretAccessKey: options.env?.['MORAINE_ROOT_SECRET_ACCESS_KEY'] ?? (await readSecret(output)),
    output,
    errors: () => errors,
    async stop() {
      child.kill('SIGTERM');
      const code = await exited;
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Options of `spawn` for a user whose group id equals the user id. */
export function asUser(uid: number | undefined): { readonly uid?: number; readonly gid?: number } {
  return uid === undefined ? {} : { uid, gid: uid };
}

/** Removes a developer's own settings, so that a test's server never uses a real catalog. */
function withoutOwn(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('MORAINE_')));
}

/** A folder for one test. */
export function temporaryFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'moraine-test-'));
}

function untilReady(
  child: ChildProcess,
  exited: Promise<number | null>,
  errors: () => string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('moraine: ready on ')) resolve(output);
    });
    void exited.then((code) => reject(new Error(`the server ended with exit code ${code}: ${errors()}`)));
  });
}

/** The credentials in the file that a start names; empty if it names none. @param output what the start printed. */
export async function readSecret(output: string): Promise<string> {
  const path = /^secret: +in (\/.+)$/m.exec(output)?.[1];
  const text = path === undefined ? '' : await readFile(path, 'utf8');
  return /^aws_secret_access_key = (.*)$/m.exec(text)?.[1] ?? '';
}
