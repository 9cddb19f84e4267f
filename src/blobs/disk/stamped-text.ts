/**
 * Small texts in files of their own (notes, the store's identity): the text, then a line with its checksum and the
 * stamp of its writer. Specified in docs/format.md; a change here needs a new version there.
 */
import { hash } from 'node:crypto';
import { NoteDamaged, type WriterStamp } from '../../domain/blob-store.ts';

const SUM_CHARS = 32;
const LAST_LINE = /\n([0-9a-f]{32}) (\d{1,16}) (\d{1,16})\n$/;

/** Encodes the content of such a file. */
export function encodeStamped(text: string, { generation, commitNumber }: WriterStamp): string {
  const stamped = `${text}\n${generation} ${commitNumber}`;
  return `${text}\n${sumOf(stamped)} ${generation} ${commitNumber}\n`;
}

/** A text and the stamp of its writer. */
export interface StampedText {
  readonly text: string;
  /** Undefined for a note that was written before version 3. */
  readonly writer: WriterStamp | undefined;
}

/**
 * Decodes such a file, or a note from before version 3, which was JSON alone.
 * @param path for the message. @throws NoteDamaged when it is empty, cut short or changed.
 */
export function decodeStamped(path: string, content: string): StampedText {
  if (content === '') throw new NoteDamaged(path, 'it is empty');
  const [line = '', sum, generation, commitNumber] = LAST_LINE.exec(content) ?? [];
  if (sum === undefined) {
    if (!isJson(content)) throw new NoteDamaged(path, 'its end is missing');
    return { text: content, writer: undefined };
  }
  const text = content.slice(0, content.length - line.length);
  const writer = { generation: Number(generation), commitNumber: Number(commitNumber) };
  if (encodeStamped(text, writer) !== content) throw new NoteDamaged(path, 'it is not what was written');
  return { text, writer };
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
