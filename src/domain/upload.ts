import { foldDigests } from '../treehash/index.ts';
import type { Archive } from './archive.ts';
import { invalidParameter, notFound } from './errors.ts';

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
  /** Bytes. */
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly treeHash: string;
}

export const MAX_PARTS = 10_000;

/**
 * Checks that the parts make up an archive, and folds their tree hashes to the archive's. Parts are 2^n MiB at multiples
 * of their size, so a part's tree hash is a node of the archive's tree and no byte is read again.
 * @param parts in order of `first`.
 * @returns the archive's size and tree hash; the caller compares them with those declared.
 * @throws Refusal invalid, which names the first thing missing; the upload stays open for another try.
 */
export function assemble(upload: Upload, parts: readonly Part[]): Pick<Archive, 'size' | 'treeHash'> {
  const size = requireContiguous(upload, parts);
  const roots = Buffer.concat(parts.map((part) => Buffer.from(part.treeHash, 'hex')));
  return { size, treeHash: Buffer.from(foldDigests(roots)).toString('hex') };
}

/** Total size of parts without a gap. @throws Refusal invalid. */
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

/** The refusal for an upload that is unknown, expired, aborted or completed. */
export function uploadNotFound(id: string): Error {
  return notFound(`The upload ID was not found: ${id}`);
}
