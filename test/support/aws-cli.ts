/** The unmodified aws command line client. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { clientEnvironment, isProgram, onPath, type ProgramOutcome, runProgram } from './client-program.ts';
import type { TestServer } from './server.ts';

const RESIDENT = fileURLToPath(new URL('aws_cli.py', import.meta.url));
const PROGRAM = process.env['MORAINE_TEST_AWS'] ?? onPath('aws');

/** Whether the client is installed. */
export const hasAwsCli = isProgram(PROGRAM);

export interface AwsCli {
  /** Runs a command against the server, as root, without retries. */
  run(args: readonly string[], server: TestServer): Promise<ProgramOutcome>;
  stop(): void;
}

/** Starts what runs the commands. The caller must have checked `hasAwsCli`. */
export function startAwsCli(): AwsCli {
  const program = PROGRAM ?? '';
  const python = pythonOf(program);
  if (python !== undefined) return new ResidentAwsCli(python);
  return { run: (args, server) => runProgram(program, args, clientEnvironment(server)), stop() {} };
}

/** The interpreter of the client, if it is a Python script as in Debian; undefined for a client that brings its own. */
function pythonOf(program: string): string | undefined {
  const [first = ''] = readFileSync(program, 'latin1').split('\n', 1);
  return /^#!(\S*python3?)$/.exec(first)?.[1];
}

/** See aws_cli.py. */
class ResidentAwsCli implements AwsCli {
  readonly #child: ChildProcess;
  /** Those that wait for their outcomes, in the order of their commands. */
  readonly #waiting: PromiseWithResolvers<ProgramOutcome>[] = [];

  constructor(python: string) {
    this.#child = spawn(python, [RESIDENT], {
      env: { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8', PYTHONIOENCODING: 'utf-8' },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdout } = this.#child;
    if (stdout)
      createInterface({ input: stdout }).on('line', (line) =>
        this.#waiting.shift()?.resolve(JSON.parse(line)),
      );
    this.#child.on('exit', () => {
      for (const { reject } of this.#waiting) reject(new Error('aws_cli.py has ended'));
    });
  }

  run(args: readonly string[], server: TestServer): Promise<ProgramOutcome> {
    const outcome = Promise.withResolvers<ProgramOutcome>();
    this.#waiting.push(outcome);
    this.#child.stdin?.write(`${JSON.stringify({ args, env: clientEnvironment(server) })}\n`);
    return outcome.promise;
  }

  stop(): void {
    this.#child.stdin?.end();
  }
}
