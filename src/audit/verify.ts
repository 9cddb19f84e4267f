import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { headName, logName } from './audit-log.ts';
import { type AuditRecord, type ChainKey, type Head, recordOf } from './chain.ts';

/** What is wrong with one chain. */
export interface AuditFault {
  readonly file: string;
  /** Line in the file, from 1; 0 for the file as a whole. */
  readonly line: number;
  readonly fault: string;
}

/**
 * Checks every chain: each line follows the one before, no file is missing, and each chain goes as far as its
 * head says. What a crash may leave is no fault: whole lines beyond the head, and one torn last line.
 * @param begun names of the chains that were begun, from where they were remembered.
 */
export async function verifyAudit(
  folder: string,
  key: ChainKey,
  begun: readonly string[],
): Promise<AuditFault[]> {
  const present = await chainsIn(folder);
  const faults: AuditFault[] = [];
  for (const chain of new Set([...begun, ...present])) {
    faults.push(...(await verifyChain(folder, key, chain, !begun.includes(chain))));
  }
  return faults;
}

/** Every event of every chain, chain by chain. */
export async function* auditRecords(folder: string): AsyncIterable<AuditRecord> {
  for (const chain of await chainsIn(folder)) {
    for await (const { text, whole } of linesOf(folder, chain)) if (whole) yield recordOf(text);
  }
}

async function chainsIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return [
    ...new Set(names.filter((name) => /\.(log|head)$/.test(name)).map((name) => name.split('.')[0] ?? '')),
  ].sort();
}

async function verifyChain(
  folder: string,
  key: ChainKey,
  chain: string,
  unknown: boolean,
): Promise<AuditFault[]> {
  const file = headName(chain);
  if (unknown) return [{ file, line: 0, fault: 'the store does not remember that this chain was begun' }];
  const sealed = await readFile(join(folder, file), 'utf8').catch(() => undefined);
  // A crash may come between the chain's beginning and its first flushed line: then there is nothing to check.
  const lastFile = logName(chain, 0);
  if (sealed === undefined)
    return (await hasLog(folder, chain)) ? [{ file, line: 0, fault: 'the head is missing' }] : [];
  const wanted = sealed === '' ? key.beginning(chain) : key.openHead(chain, sealed);
  if (!wanted) return [{ file, line: 0, fault: 'the head was changed' }];
  return verifyLines(folder, key, chain, wanted, lastFile);
}

async function hasLog(folder: string, chain: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => name.startsWith(`${chain}.`) && name.endsWith('.log'));
}

async function verifyLines(
  folder: string,
  key: ChainKey,
  chain: string,
  wanted: Head,
  firstFile: string,
): Promise<AuditFault[]> {
  let head = key.beginning(chain);
  let at = { file: firstFile, line: 0 };
  let reached = head.seq === wanted.seq && head.mac === wanted.mac;
  for await (const { file, line, text, whole, last } of linesOf(folder, chain)) {
    const next = whole ? key.follow(head, text) : undefined;
    at = { file, line };
    if (!next) {
      if (reached && last && !whole) return [];
      return [
        {
          ...at,
          fault: 'this line is not the one that follows: it was changed, moved, or one before it removed',
        },
      ];
    }
    head = next;
    reached ||= head.seq === wanted.seq && head.mac === wanted.mac;
  }
  return reached
    ? []
    : [{ ...at, fault: `the log ends at record ${head.seq}, but ${wanted.seq} were written` }];
}

interface LogLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
  /** Whether it ends with a line break. */
  readonly whole: boolean;
  /** Whether it is the last of its file. */
  readonly last: boolean;
}

/** The lines of a chain's files, in order of their numbers; it ends where a number is missing. */
async function* linesOf(folder: string, chain: string): AsyncGenerator<LogLine> {
  const names = new Set(await readdir(folder));
  for (let number = 0; names.has(logName(chain, number)); number++) {
    yield* linesOfFile(folder, logName(chain, number));
  }
}

async function* linesOfFile(folder: string, file: string): AsyncGenerator<LogLine> {
  const path = join(folder, file);
  const ended = (await readFile(path)).at(-1) === 0x0a;
  let line = 0;
  let held: string | undefined;
  for await (const text of createInterface({ input: createReadStream(path) })) {
    if (held !== undefined) yield { file, line, text: held, whole: true, last: false };
    held = text;
    line++;
  }
  if (held !== undefined) yield { file, line, text: held, whole: ended, last: true };
}
