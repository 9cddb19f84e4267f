/** One object of the journal: a line about the object, then the lines of entries. Specified in docs/format.md. */
import type { WriterStamp } from '../../domain/blob-store.ts';
import { lineMembers, type ParsedLine, parseLine, withSum } from '../disk/journal-lines.ts';

/** Enough for the first line of any object. */
export const HEAD_BYTES = 512;

/** What the first line of an object says. */
export interface ObjectHead {
  /** Numbers of the first and the last group in the object. */
  readonly first: number;
  readonly last: number;
  /** The greatest number of an entry of the run, up to here; 0 without any. */
  readonly seq: number;
  /** The greatest commit number of the run, up to here. */
  readonly commit: number;
  /** Of the writer. */
  readonly generation: number;
}

/** Encodes an object. @param lines with their line feeds. */
export function encodeObject(head: ObjectHead, lines: readonly string[]): Buffer {
  return Buffer.from(withSum(JSON.stringify(head)) + lines.join(''));
}

/** The first line of an object; undefined if it is not what was written. @param bytes its first ones. */
export function decodeHead(bytes: Buffer): ObjectHead | undefined {
  const end = bytes.indexOf(0x0a);
  const members: Partial<ObjectHead> | undefined = lineMembers(bytes.toString('utf8', 0, Math.max(0, end)));
  const { first, last, seq, commit, generation } = members ?? {};
  const isWhole = [first, last, seq, commit, generation].every((member) => typeof member === 'number');
  return isWhole ? (members as ObjectHead) : undefined;
}

/** A line of an object. */
export interface ReadLine {
  /** Without its line feed. */
  readonly text: string;
  /** Undefined if it is not what was written. */
  readonly parsed: ParsedLine | undefined;
}

/** The lines after the first one. */
export function* linesOf(bytes: Buffer): Generator<ReadLine> {
  const [, ...lines] = bytes.toString('utf8').split('\n');
  // Each line ends with a line feed; something after the last one was cut.
  if (lines.at(-1) === '') lines.pop();
  for (const text of lines) yield { text, parsed: parseLine(text) };
}

/** What a run's heads say of it. */
export class Progress {
  #seq = 0;
  #commit = 0;

  add(seq: number, { commitNumber }: WriterStamp): void {
    this.#seq = Math.max(this.#seq, seq);
    this.#commit = Math.max(this.#commit, commitNumber);
  }

  head(first: number, last: number, generation: number): ObjectHead {
    return { first, last, seq: this.#seq, commit: this.#commit, generation };
  }
}
