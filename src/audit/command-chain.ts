/** The chain of commands: each command continues where the one before ended, if that end is whole. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainEnd, headName, logName } from './audit-log.ts';
import type { ChainKey } from './chain.ts';

const NAME = /^commands(\d{0,9})$/;

/** Whether a chain is one of commands. It may continue although no process has it open. */
export function isOfCommands(chain: string): boolean {
  return NAME.test(chain);
}

/** The chain that a command may continue, and the one to begin if it cannot. */
export interface CommandChains {
  /** Undefined if there is none yet. */
  readonly latest: string | undefined;
  readonly next: string;
}

/** Finds the latest chain of commands. @param names of all chains that exist or are anchored. */
export function commandChains(names: Iterable<string>): CommandChains {
  const numbers = [...names].flatMap((name) => {
    const digits = NAME.exec(name)?.[1];
    return digits === undefined ? [] : [Number(digits || 1)];
  });
  const latest = Math.max(0, ...numbers);
  return { latest: latest === 0 ? undefined : nameOf(latest), next: nameOf(latest + 1) };
}

function nameOf(number: number): string {
  return number === 1 ? 'commands' : `commands${number}`;
}

/**
 * Finds where a chain ends. Undefined if its head does not name its last line, after a crash or tampering: such a chain
 * stays unchanged for `audit verify`.
 */
export async function wholeEnd(folder: string, key: ChainKey, chain: string): Promise<ChainEnd | undefined> {
  const sealed = await readFile(join(folder, headName(chain)), 'utf8').catch(() => '');
  const head = key.openHead(chain, sealed);
  const numbers = (await readdir(folder)).flatMap((name) => {
    const digits = name.startsWith(`${chain}.`) ? /\.(\d{6,})\.log$/.exec(name)?.[1] : undefined;
    return digits === undefined ? [] : [Number(digits)];
  });
  if (!head || numbers.length === 0) return undefined;
  const number = Math.max(...numbers);
  const bytes = await readFile(join(folder, logName(chain, number)));
  if (bytes.at(-1) !== 0x0a) return undefined;
  const last = bytes.subarray(bytes.lastIndexOf(0x0a, bytes.length - 2) + 1).toString('utf8');
  return last.startsWith(`${head.mac} ${head.seq} `) ? { head, number, bytes: bytes.length } : undefined;
}
