import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { headName, logName } from './audit-log.ts';
import { type AuditRecord, type ChainKey, type Head, recordOf } from './chain.ts';

const LINE_FEED = 0x0a;

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
    faults.push(...(await verifyChain(folder, key, chain, begun.includes(chain))));
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
  known: boolean,
): Promise<AuditFault[]> {
  const file = headName(chain);
  const faulty = (fault: string): AuditFault[] => [{ file, line: 0, fault }];
  // A crash may come after the head was made and before the store remembers the chain: then it has no line.
  if (!known) {
    return (await hasLog(folder, chain))
      ? faulty('the store does not remember that this chain was begun')
      : [];
  }
  const sealed = await readFile(join(folder, file), 'utf8').catch(() => undefined);
  if (sealed === undefined) return faulty('the head is missing');
  const wanted = key.openHead(chain, sealed);
  return wanted ? verifyLines(folder, key, chain, wanted) : faulty('the head was changed');
}

async function hasLog(folder: string, chain: string): Promise<boolean> {
  return (await readdir(folder)).some((name) => name.startsWith(`${chain}.`) && name.endsWith('.log'));
}

async function verifyLines(
  folder: string,
  key: ChainKey,
  chain: string,
  wanted: Head,
): Promise<AuditFault[]> {
  let head = key.beginning(chain);
  let at = { file: logName(chain, 0), line: 0 };
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
  /** Whether it is the last of the chain. */
  readonly last: boolean;
}

/** The lines of a chain's files, in order of their numbers; it ends where a number is missing. */
async function* linesOf(folder: string, chain: string): AsyncGenerator<LogLine> {
  const names = new Set(await readdir(folder));
  for (let number = 0; names.has(logName(chain, number)); number++) {
    const last = !names.has(logName(chain, number + 1));
    yield* linesOfFile(folder, logName(chain, number), last);
  }
}

/** At line feeds and nowhere else: a record may hold what other readers of lines take for a line's end. */
async function* linesOfFile(folder: string, file: string, lastFile: boolean): AsyncGenerator<LogLine> {
  const bytes = await readFile(join(folder, file));
  let line = 0;
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LINE_FEED, from);
    const to = end < 0 ? bytes.length : end;
    const text = textOf(bytes.subarray(from, to));
    from = to + 1;
    yield { file, line: ++line, text, whole: end >= 0, last: lastFile && from >= bytes.length };
  }
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes that are no text are no line of ours; another decoder would make different bytes the same text. */
function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return '';
  }
}
