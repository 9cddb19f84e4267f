/** Runs the `moraine` command as a user does, to its end. */
import { spawn } from 'node:child_process';
import { MAIN } from './program.ts';
import { asUser } from './server.ts';

/** Time after which a command is killed, so that its test fails instead of hanging. */
const LIMIT_MS = 600_000;

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** @param uid user to run as; only root may choose. */
export function runMoraine(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  uid?: number,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { ...process.env, ...env },
    timeout: LIMIT_MS,
    ...asUser(uid),
  });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code) => resolve({ code, output, errors }));
  });
}
