/**
 * Small texts in files of their own (notes, the store's identity): the text, then a line that proves it whole and says
 * who wrote it. Specified in docs/format.md; a change here is a new version there.
 */
import { hash } from 'node:crypto';
import { NoteDamaged, type WriterStamp } from '../../domain/blob-store.ts';

const SUM_CHARS = 32;
const LAST_LINE = /\n([0-9a-f]{32}) (\d{1,16}) (\d{1,16})\n$/;

/** What is in the file of such a text. */
export function encodeStamped(text: string, { generation, commitNumber }: WriterStamp): string {
  const stamped = `${text}\n${generation} ${commitNumber}`;
  return `${text}\n${sumOf(stamped)} ${generation} ${commitNumber}\n`;
}

/** A text as it was written, and by whom. */
export interface StampedText {
  readonly text: string;
  /** Undefined for a note that was written before form 3. */
  readonly writer: WriterStamp | undefined;
}

/**
 * Reads such a file, or a note of a form before 3, which was JSON and nothing else.
 * @param path for the message. @throws NoteDamaged when it is empty, cut, or not what was written.
 */
export function decodeStamped(path: string, content: string): StampedText {
  if (content === '') throw new NoteDamaged(path, 'it is empty');
  const [line = '', sum, generation, commitNumber] = LAST_LINE.exec(content) ?? [];
  if (sum === undefined) {
    if (!isJson(content)) throw new NoteDamaged(path, 'its end is missing');
    return { text: content, writer: undefined };
  }
  const text = content.slice(0, content.length - line.length);
  if (sumOf(`${text}\n${generation} ${commitNumber}`) !== sum)
    throw new NoteDamaged(path, 'it is not what was written');
  return { text, writer: { generation: Number(generation), commitNumber: Number(commitNumber) } };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function sumOf(text: string): string {
  return hash('sha256', text, 'hex').slice(0, SUM_CHARS);
}
