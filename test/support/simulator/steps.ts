/** The steps of a simulated process: every call to its file system, and each commit of its catalog. */
import type { Survival } from './file-node.ts';

/** What a step does: `open`, `read` and `close` change nothing that a power cut could lose. */
export type StepKind = 'open' | 'read' | 'close' | 'write' | 'name' | 'flush' | 'commit';

export interface Step {
  readonly kind: StepKind;
  /** The system's name of the call. */
  readonly call: string;
  readonly path: string;
}

/** How a step goes wrong. */
export interface Fault {
  /** The error's code; undefined for a read that gives other bytes than were written. */
  readonly code?: string;
  /** The share of a failing write that is written all the same, from 0 to 1. */
  readonly share?: number;
  /** What a failing flush leaves. */
  readonly survival?: Survival;
  /** Changes bytes that were read. */
  garble?(bytes: Uint8Array): void;
}

/** Runs the steps of a process: at once or later, with or without a fault, or never, if the process is dead. */
export interface Steps {
  run<Result>(step: Step, effect: (fault?: Fault) => Result): Promise<Result>;
}

/** Runs every step at once. */
export const PLAIN_STEPS: Steps = {
  run: async (_step, effect) => effect(),
};

/** Whether a power cut can lose what the step does. */
export function isDurable({ kind }: Step): boolean {
  return kind === 'write' || kind === 'name' || kind === 'flush' || kind === 'commit';
}

const MESSAGES: Readonly<Record<string, readonly [errno: number, text: string]>> = {
  EPERM: [1, 'operation not permitted'],
  ENOENT: [2, 'no such file or directory'],
  EIO: [5, 'i/o error'],
  EBADF: [9, 'bad file descriptor'],
  EEXIST: [17, 'file already exists'],
  ENOTDIR: [20, 'not a directory'],
  EISDIR: [21, 'illegal operation on a directory'],
  EINVAL: [22, 'invalid argument'],
  EMFILE: [24, 'too many open files'],
  ENOSPC: [28, 'no space left on device'],
  ENOTEMPTY: [39, 'directory not empty'],
};

/** An error as of node:fs. */
export function systemError(code: string, { call, path }: Step): Error {
  const [errno, text] = MESSAGES[code] ?? [1, 'unknown error'];
  const error = new Error(`${code}: ${text}, ${call} '${path}'`);
  return Object.assign(error, { errno: -errno, code, syscall: call, path });
}
