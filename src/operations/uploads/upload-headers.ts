import { invalidParameter, missingParameter } from '../../domain/errors.ts';
import { MAX_PARTS } from '../../domain/upload.ts';

const MIN_PART_BYTES = 1_048_576;
const MAX_PART_BYTES = 4_294_967_296;
const MAX_ARCHIVE_BYTES = MAX_PARTS * MAX_PART_BYTES;

/** `x-amz-part-size`: 1 MiB × 2^n up to 4 GiB, in bytes. @throws Refusal invalid, with the service's text. */
export function parsePartSize(raw: string | undefined): number {
  const size = raw !== undefined && /^\d{1,10}$/.test(raw) ? Number(raw) : 0;
  const power = Number.isInteger(Math.log2(size));
  if (power && size >= MIN_PART_BYTES && size <= MAX_PART_BYTES) return size;
  throw invalidParameter(
    `Invalid part size: ${raw ?? 'null'}. Part size must not be null, must be a power of two and be between ${MIN_PART_BYTES} and ${MAX_PART_BYTES} bytes.`,
  );
}

/** `x-amz-archive-size`: decimal bytes, 1..10,000 × 4 GiB. @throws Refusal. */
export function parseArchiveSize(raw: string | undefined): number {
  if (raw === undefined || raw === '') throw missingParameter('x-amz-archive-size');
  const size = /^\d{1,14}$/.test(raw) ? Number(raw) : 0;
  if (size >= 1 && size <= MAX_ARCHIVE_BYTES) return size;
  throw invalidParameter(`Invalid x-amz-archive-size: ${raw}`);
}

/** The bytes that a part covers, by its header; both ends included. */
interface PartRange {
  readonly first: number;
  readonly last: number;
  /** As sent, for messages. */
  readonly header: string;
}

/**
 * `Content-Range: bytes {first}-{last}/*`; a total length in place of `*` is accepted, too.
 * @throws Refusal invalid, with the service's text, for other forms and empty ranges.
 */
export function parsePartRange(raw: string | undefined): PartRange {
  const header = raw ?? '';
  const match = /^bytes (\d{1,14})-(\d{1,14})\/(\*|\d{1,14})$/.exec(header);
  const [first, last] = [Number(match?.[1]), Number(match?.[2])];
  const beyond = match !== null && match[3] !== '*' && last >= Number(match[3]);
  if (match === null || last < first || beyond) throw invalidRange(header);
  return { first, last, header };
}

/**
 * Checks that a body fits the upload. Any part may be short, because only Complete knows which is the last.
 * @param length the body's bytes by `Content-Length`.
 * @throws Refusal invalid when the range contradicts the length, or is not one part of this upload.
 */
export function placePart(range: PartRange, length: number, partSize: number): void {
  const { first, last, header } = range;
  if (last - first + 1 !== length) {
    throw invalidParameter(`Content-Range: ${header} is incompatible with Content-Length: ${length}`);
  }
  if (first % partSize !== 0) {
    throw invalidRange(header, `The first byte must be a multiple of the part size, ${partSize}.`);
  }
  if (length > partSize) throw invalidRange(header, `The part is longer than the part size, ${partSize}.`);
  const number = first / partSize + 1;
  if (number > MAX_PARTS) {
    throw invalidParameter(
      `This is part number ${number} for the current multipart upload. It exceeds the limit of ${MAX_PARTS} parts.`,
    );
  }
}

function invalidRange(header: string, why?: string): Error {
  return invalidParameter(`Invalid Content-Range: ${header}${why === undefined ? '' : `. ${why}`}`);
}
