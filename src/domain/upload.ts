import { foldDigests } from '../treehash/index.ts';
import { invalidTreeHash } from './archive.ts';
import { invalidParameter, missingParameter, notFound } from './errors.ts';

/** A multipart upload as the catalog knows it. */
export interface Upload {
  readonly no: number;
  readonly id: string;
  readonly vaultNo: number;
  /** Reserved at the start, so that every part's blob can carry it. */
  readonly archiveId: string;
  readonly description: string | null;
  /** Bytes: 1 MiB × 2^n. */
  readonly partSize: number;
  readonly createdMs: number;
}

/** One uploaded part. */
export interface Part {
  /** Offset of the part's first byte in the archive. */
  readonly first: number;
  readonly size: number;
  /** 64 lower-case hex digits each. */
  readonly treeHash: string;
  readonly linearHash: string;
  /** Grows with each stored part. Of several parts at an offset, the one with the greatest counts. */
  readonly sequence: number;
}

/** What the client declares of the whole archive at CompleteMultipartUpload. */
export interface DeclaredArchive {
  /** `x-amz-archive-size`. */
  readonly size: number;
  /** `x-amz-sha256-tree-hash`, 64 lower-case hex digits. */
  readonly treeHash: string;
}

export const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 1_048_576;
const MAX_PART_BYTES = 4_294_967_296;
const MAX_ARCHIVE_BYTES = MAX_PARTS * MAX_PART_BYTES;

/** `x-amz-part-size`: 1 MiB × 2^n up to 4 GiB, in bytes. @throws 400 with the service's text. */
export function parsePartSize(raw: string | undefined): number {
  const size = raw !== undefined && /^\d{1,10}$/.test(raw) ? Number(raw) : 0;
  const power = Number.isInteger(Math.log2(size));
  if (power && size >= MIN_PART_BYTES && size <= MAX_PART_BYTES) return size;
  throw invalidParameter(
    `Invalid part size: ${raw ?? 'null'}. Part size must not be null, must be a power of two and be between ${MIN_PART_BYTES} and ${MAX_PART_BYTES} bytes.`,
  );
}

/** `x-amz-archive-size`: decimal bytes, 1..10,000 × 4 GiB. @throws 400. */
export function parseArchiveSize(raw: string | undefined): number {
  if (raw === undefined || raw === '') throw missingParameter('x-amz-archive-size');
  const size = /^\d{1,14}$/.test(raw) ? Number(raw) : 0;
  if (size >= 1 && size <= MAX_ARCHIVE_BYTES) return size;
  throw invalidParameter(`Invalid x-amz-archive-size: ${raw}`);
}

/** The bytes that a part covers, by its header; both ends included. */
export interface PartRange {
  readonly first: number;
  readonly last: number;
  /** As sent, for messages. */
  readonly header: string;
}

/**
 * `Content-Range: bytes {first}-{last}/*`; a total length in place of `*` is accepted, too.
 * @throws 400 with the service's text for other forms and empty ranges.
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
 * @throws 400 when the range contradicts the length, or is not one part of this upload.
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

/**
 * Checks that the parts make up an archive of the declared size, and folds their tree hashes to the archive's. Parts are
 * 2^n MiB at multiples of their size, so a part's tree hash is a node of the archive's tree and no byte is read again.
 * @param parts in order of `first`.
 * @returns the archive's tree hash, 64 hex digits; the caller compares it with the declared one.
 * @throws 400 that names the first thing missing; the upload stays open for another try.
 */
export function assemble(upload: Upload, parts: readonly Part[], declaredSize: number): string {
  const size = requireContiguous(upload, parts);
  if (size !== declaredSize) {
    throw invalidParameter(
      `Invalid x-amz-archive-size: ${declaredSize}. The uploaded parts hold ${size} bytes, 0-${size - 1}.`,
    );
  }
  const roots = Buffer.concat(parts.map((part) => Buffer.from(part.treeHash, 'hex')));
  return Buffer.from(foldDigests(roots)).toString('hex');
}

/** Total size of parts without a gap. @throws 400. */
function requireContiguous(upload: Upload, parts: readonly Part[]): number {
  if (parts.length === 0) {
    throw invalidParameter(
      `The multipart upload has no parts: ${upload.id}. An archive has at least one byte.`,
    );
  }
  let end = 0;
  for (const part of parts) {
    if (part.first !== end) throw gapBefore(part, end, upload.partSize);
    end += part.size;
  }
  return end;
}

function gapBefore(part: Part, end: number, partSize: number): Error {
  const short = end % partSize;
  if (short === 0) {
    return invalidParameter(`The range ${end}-${part.first - 1} was not uploaded, but bytes after it were.`);
  }
  return invalidParameter(
    `The part ${end - short}-${end - 1} is shorter than the part size, ${partSize}, and is not the last part.`,
  );
}

/** Checks that a repeat of a Complete that succeeded declares the same. @throws 400. */
export function requireSameDeclaration(
  done: DeclaredArchive,
  declared: DeclaredArchive,
  hashSent: string,
): void {
  if (declared.size !== done.size) {
    throw invalidParameter(
      `Invalid x-amz-archive-size: ${declared.size}. The upload was completed with ${done.size} bytes.`,
    );
  }
  if (declared.treeHash !== done.treeHash) {
    throw invalidTreeHash(hashSent, `The upload was completed with the tree hash ${done.treeHash}.`);
  }
}

/** 404 for an upload that is unknown, expired, aborted or completed. */
export function uploadNotFound(id: string): Error {
  return notFound(`The upload ID was not found: ${id}`);
}
