/** Runs clients as separate programs, in an environment without a developer's settings. */
import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { TestServer } from './server.ts';

export interface ProgramOutcome {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** An environment with root's keys and without a developer's settings; without retries, which would hide faults. */
export function clientEnvironment({
  accessKeyId,
  secretAccessKey,
  data,
}: TestServer): Readonly<Record<string, string>> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: data,
    LC_ALL: 'C.UTF-8',
    PYTHONIOENCODING: 'utf-8',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_DEFAULT_OUTPUT: 'json',
    AWS_MAX_ATTEMPTS: '1',
    AWS_PAGER: '',
  };
}

/** Runs a client against the server. */
export function runClient(
  program: string,
  args: readonly string[],
  server: TestServer,
): Promise<ProgramOutcome> {
  return runProgram(program, args, clientEnvironment(server));
}

/** Runs a program to its end. */
export function runProgram(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ProgramOutcome> {
  return new Promise((resolve) => {
    const child = execFile(program, args, { env }, (_, output, errors) =>
      resolve({ code: child.exitCode, output, errors }),
    );
  });
}

/** Path of a program; undefined if it is missing. */
export function onPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isProgram);
}

export function isProgram(file: string | undefined): boolean {
  try {
    accessSync(file ?? '', constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
