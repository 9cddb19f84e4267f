/** The chain of commands: each command goes on where the one before it ended, as long as that end is whole. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ChainEnd, headName, logName } from './audit-log.ts';
import type { ChainKey } from './chain.ts';

const NAME = /^commands(\d{0,9})$/;

/** Whether the chain is one of commands: it may go on although no process has it open. */
export function isOfCommands(chain: string): boolean {
  return NAME.test(chain);
}

/** The chain that a command may go on with, and the one to begin where it may not. */
export interface CommandChains {
  /** Undefined when there is none yet. */
  readonly latest: string | undefined;
  readonly next: string;
}

/** @param names of all chains that are there or remembered. */
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
 * Where a chain ends, if its head names exactly its last line. Undefined after a crash and for a chain that was tampered
 * with: such a chain stays as it is, for `audit verify` to judge.
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
