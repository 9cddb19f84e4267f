/**
 * The form of a blob: its data, then what describes it. Specified in docs/format.md; a change here is a new
 * version there.
 */
import { hash } from 'node:crypto';
import { BlobDamaged, type BlobDescription, type BlobDigests, type BlobLabel } from '../domain/blob-store.ts';
import { DIGEST_BYTES, foldDigests, leafCount } from '../treehash/index.ts';

const MAGIC = Buffer.from('MORAINE\0', 'latin1');
const VERSION = 1;
const MAX_LABEL_BYTES = 65_536;

/** The footer's length; it is the last thing in a blob. */
export const FOOTER_BYTES = 64;

/*
 * Footer, little-endian:
 *   0 magic (8) · 8 version u32 · 12 label bytes u32 · 16 data bytes u64 · 24 leaves u32 · 28 zero u32
 *   32 SHA-256 (32) of leaves, label and the footer's first 32 bytes.
 */
const SUMMED_FOOTER_BYTES = 32;

/** What follows the data: leaves, label, footer. */
export function encodeTrailer(label: BlobLabel, digests: BlobDigests): Buffer {
  const { treeHash, linearHash, leaves, size } = digests;
  const text = JSON.stringify({ ...label, treeHash, linearHash });
  const labelBytes = Buffer.byteLength(text);
  const at = leaves.length + labelBytes;
  const trailer = Buffer.allocUnsafe(at + FOOTER_BYTES);
  trailer.set(leaves);
  trailer.write(text, leaves.length);
  MAGIC.copy(trailer, at);
  trailer.writeUInt32LE(VERSION, at + 8);
  trailer.writeUInt32LE(labelBytes, at + 12);
  trailer.writeUInt32LE(size % 2 ** 32, at + 16);
  trailer.writeUInt32LE(Math.floor(size / 2 ** 32), at + 20);
  trailer.writeUInt32LE(leaves.length / DIGEST_BYTES, at + 24);
  trailer.writeUInt32LE(0, at + 28);
  trailer.write(sumOf(trailer), at + SUMMED_FOOTER_BYTES, 'hex');
  return trailer;
}

/** Where the parts of a blob lie, read from its footer. */
export interface Layout {
  readonly size: number;
  /** Leaves, label and footer together. */
  readonly trailerBytes: number;
  readonly labelBytes: number;
}

/**
 * Reads a footer. @param total the blob's length in bytes.
 * @throws BlobDamaged when it is none, or of a version that is not known here.
 */
export function decodeFooter(ref: string, footer: Buffer, total: number): Layout {
  if (footer.length !== FOOTER_BYTES || !footer.subarray(0, 8).equals(MAGIC)) {
    throw new BlobDamaged(ref, 'it does not end with a footer');
  }
  const version = footer.readUInt32LE(8);
  if (version !== VERSION) throw new BlobDamaged(ref, `its format version ${version} is not known`);
  const labelBytes = footer.readUInt32LE(12);
  const size = Number(footer.readBigUInt64LE(16));
  const leaves = footer.readUInt32LE(24);
  const trailerBytes = leaves * DIGEST_BYTES + labelBytes + FOOTER_BYTES;
  if (labelBytes > MAX_LABEL_BYTES || leaves !== leafCount(size) || size + trailerBytes !== total) {
    throw new BlobDamaged(ref, `its footer does not fit its length of ${total} bytes`);
  }
  return { size, labelBytes, trailerBytes };
}

/** Reads what follows the data and proves it. @throws BlobDamaged. */
export function decodeTrailer(ref: string, trailer: Buffer, { size, labelBytes }: Layout): BlobDescription {
  const footer = trailer.subarray(-FOOTER_BYTES);
  const text = trailer.subarray(-FOOTER_BYTES - labelBytes, -FOOTER_BYTES);
  const leaves = trailer.subarray(0, trailer.length - FOOTER_BYTES - labelBytes);
  if (sumOf(trailer) !== footer.toString('hex', SUMMED_FOOTER_BYTES)) {
    throw new BlobDamaged(ref, 'its description does not match its own checksum');
  }
  const { treeHash, linearHash, ...label } = JSON.parse(text.toString()) as BlobLabel & BlobDigests;
  if (Buffer.from(foldDigests(leaves)).toString('hex') !== treeHash) {
    throw new BlobDamaged(ref, 'its leaves do not fold to its tree hash');
  }
  return { label, size, treeHash, linearHash, leaves };
}

/** SHA-256 of all of a trailer but the sum at its end, in hex: Node.js takes longer to give it as bytes. */
function sumOf(trailer: Buffer): string {
  return hash('sha256', trailer.subarray(0, SUMMED_FOOTER_BYTES - FOOTER_BYTES), 'hex');
}
