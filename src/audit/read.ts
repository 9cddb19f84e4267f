/** Reads the files of an audit log line by line, in little memory. */
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '../durable/errors.ts';
import { logName } from './audit-log.ts';

const LINE_FEED = 0x0a;
const CHUNK_BYTES = 256 * 1024;
/** Every event is much shorter. A longer line was not written by us, and is not kept in memory. */
const LONGEST_LINE_BYTES = 16 * 1024 * 1024;

/** One line of a chain. */
export interface LogLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
  /** Empty for bytes that are not UTF-8, and for lines that are too long. */
  readonly text: string;
  /** Whether it ends with a line break. */
  readonly whole: boolean;
  /** Whether its file is the last of the chain. */
  readonly lastFile: boolean;
}

/** Names of all chains in a folder, sorted. A missing folder has none. */
export async function chainsIn(folder: string): Promise<string[]> {
  const names = (await readdir(folder).catch(undefinedIfMissing)) ?? [];
  const chains = names.filter((name) => /\.(log|head)$/.test(name)).map((name) => name.split('.')[0] ?? '');
  return [...new Set(chains)].sort();
}

/** Reads the lines of a chain's files in the order of their numbers, up to a missing number. */
export async function* linesOf(folder: string, chain: string): AsyncGenerator<LogLine> {
  const names = new Set(await readdir(folder));
  for (let number = 0; names.has(logName(chain, number)); number++) {
    yield* linesOfFile(folder, logName(chain, number), !names.has(logName(chain, number + 1)));
  }
}

/** Splits only at line feeds, because an event may contain other characters that end lines elsewhere. */
async function* linesOfFile(folder: string, file: string, lastFile: boolean): AsyncGenerator<LogLine> {
  let rest: Buffer = Buffer.alloc(0);
  let line = 0;
  for await (const chunk of createReadStream(join(folder, file), { highWaterMark: CHUNK_BYTES })) {
    const bytes: Buffer = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      yield { file, line: ++line, text: textOf(bytes.subarray(from, end)), whole: true, lastFile };
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > LONGEST_LINE_BYTES) {
      yield { file, line: ++line, text: '', whole: true, lastFile };
      return;
    }
  }
  if (rest.length > 0) yield { file, line: ++line, text: textOf(rest), whole: false, lastFile };
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Returns no text for invalid UTF-8: a lenient decoder would turn different bytes into the same text. */
function textOf(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch {
    return '';
  }
}
