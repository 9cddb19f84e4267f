import { invalidParameter } from '../../domain/errors.ts';
import { isMegabyteAligned, type Span } from '../../treehash/index.ts';

/** Bytes of a span, whose ends are both included. */
export function spanBytes({ first, last }: Span): number {
  return last - first + 1;
}

/**
 * `RetrievalByteRange` of an archive job: `"a-b"`, both included, within the archive and megabyte aligned.
 * Undefined means the whole archive. @throws Refusal invalid, which says which rule the range breaks.
 */
export function parseRetrievalRange(raw: string | null, archiveBytes: number): Span {
  if (raw === null) return { first: 0, last: archiveBytes - 1 };
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(raw);
  const span = { first: Number(match?.[1]), last: Number(match?.[2]) };
  if (match === null || span.last < span.first)
    throw invalidRetrieval(raw, 'It must be first-last, in bytes.');
  if (span.last >= archiveBytes) throw invalidRetrieval(raw, `The archive has ${archiveBytes} bytes.`);
  if (!isMegabyteAligned(span, archiveBytes)) {
    throw invalidRetrieval(
      raw,
      'It must begin at a multiple of 1048576 and end before one or at the end of the archive.',
    );
  }
  return span;
}

function invalidRetrieval(raw: string, why: string): Error {
  return invalidParameter(`Invalid RetrievalByteRange: ${raw}. ${why}`);
}

/**
 * The `Range` header of GetJobOutput, within an output of `total` bytes. Null for the whole output: when it is
 * absent, empty, of several ranges or malformed, which the service ignores (observed). An end beyond the
 * output is clamped; old clients rely on it. @throws Refusal invalid for a start beyond it (observed).
 */
export function parseOutputRange(raw: string | undefined, total: number): Span | null {
  // Accepts any number of digits, because some clients request the rest with the largest number that they have.
  const match = /^bytes=(\d*)-(\d*)$/.exec(raw ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (match === null || (from === '' && to === '')) return null;
  if (from === '') return suffix(Number(to), total);
  const first = Number(from);
  const last = to === '' ? total - 1 : Math.min(Number(to), total - 1);
  if (first >= total) {
    throw invalidParameter(`The start of the range is larger than size of retrieved data: ${raw}`);
  }
  return last < first ? null : { first, last };
}

/** `bytes=-n`: the last n bytes. */
function suffix(bytes: number, total: number): Span | null {
  return bytes === 0 ? null : { first: Math.max(0, total - bytes), last: total - 1 };
}
