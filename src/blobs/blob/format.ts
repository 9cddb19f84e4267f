/**
 * The form of a blob: its data, then a trailer that describes it. Specified in docs/format.md; a change here needs a
 * new version there.
 */
import { hash } from 'node:crypto';
import {
  BlobDamaged,
  type BlobDescription,
  type BlobDigests,
  type BlobLabel,
  type WriterStamp,
} from '../../domain/blob-store.ts';
import { DIGEST_BYTES, foldDigests, leafCount } from '../../treehash/index.ts';

const MAGIC = Buffer.from('MORAINE\0', 'latin1');
const VERSION = 3;
/** Version 1 has zeros in place of extension and cipher. There is no version 2. */
const OLDER_VERSION = 1;
/** The commit number and the generation, 8 bytes each. Later extensions begin with them too. */
const EXTENSION_BYTES = 16;
/** Leaves room for later versions, and bounds what a damaged footer makes a reader allocate. */
const MAX_EXTENSION_BYTES = 1024;
const PLAIN = 0;
const MAX_LABEL_BYTES = 65_536;

/** Length of the footer, which ends a blob. */
export const FOOTER_BYTES = 64;

/*
 * Extension, little-endian: 0 commit number u64 · 8 generation u64; readers skip the rest.
 * Footer, little-endian:
 *   0 magic (8) · 8 version u32 · 12 label bytes u32 · 16 data bytes u64 · 24 leaves u32 · 28 cipher u16
 *   30 extension bytes u16 · 32 SHA-256 (32) of leaves, label, extension and the footer's first 32 bytes.
 */
const SUMMED_FOOTER_BYTES = 32;

/**
 * Encodes what follows the data: leaves, label, extension, footer. @param writer stamp of the process that writes it.
 */
export function encodeTrailer(label: BlobLabel, digests: BlobDigests, writer: WriterStamp): Buffer {
  const { treeHash, linearHash, leaves, size } = digests;
  const text = JSON.stringify({ ...label, treeHash, linearHash });
  const labelBytes = Buffer.byteLength(text);
  const extension = leaves.length + labelBytes;
  const at = extension + EXTENSION_BYTES;
  const trailer = Buffer.allocUnsafe(at + FOOTER_BYTES);
  trailer.set(leaves);
  trailer.write(text, leaves.length);
  writeNumber(trailer, writer.commitNumber, extension);
  writeNumber(trailer, writer.generation, extension + 8);
  MAGIC.copy(trailer, at);
  trailer.writeUInt32LE(VERSION, at + 8);
  trailer.writeUInt32LE(labelBytes, at + 12);
  writeNumber(trailer, size, at + 16);
  trailer.writeUInt32LE(leaves.length / DIGEST_BYTES, at + 24);
  trailer.writeUInt16LE(PLAIN, at + 28);
  trailer.writeUInt16LE(EXTENSION_BYTES, at + 30);
  trailer.write(sumOf(trailer), at + SUMMED_FOOTER_BYTES, 'hex');
  return trailer;
}

/** Writes a number below 2^53 in 8 bytes; twice as fast as by a bigint. */
function writeNumber(bytes: Buffer, number: number, at: number): void {
  bytes.writeUInt32LE(number % 2 ** 32, at);
  bytes.writeUInt32LE(Math.floor(number / 2 ** 32), at + 4);
}

/** Lengths of a blob's sections, read from its footer. */
export interface Layout {
  readonly size: number;
  /** Leaves, label, extension and footer together. */
  readonly trailerBytes: number;
  readonly labelBytes: number;
  /** 0 in version 1. */
  readonly extensionBytes: number;
}

/**
 * Reads a footer. @param total the blob's length in bytes.
 * @throws BlobDamaged when it is not a footer, or of an unknown version.
 */
export function decodeFooter(ref: string, footer: Buffer, total: number): Layout {
  if (footer.length !== FOOTER_BYTES || !footer.subarray(0, 8).equals(MAGIC)) {
    throw new BlobDamaged(ref, 'it does not end with a footer');
  }
  const version = footer.readUInt32LE(8);
  if (version !== VERSION && version !== OLDER_VERSION)
    throw new BlobDamaged(ref, `this version of Moraine cannot read version ${version} of its form`);
  const [cipher, extensionBytes] = [footer.readUInt16LE(28), footer.readUInt16LE(30)];
  if (cipher !== PLAIN)
    throw new BlobDamaged(ref, `this version of Moraine does not know its cipher ${cipher}`);
  const labelBytes = footer.readUInt32LE(12);
  const size = Number(footer.readBigUInt64LE(16));
  const leaves = footer.readUInt32LE(24);
  const trailerBytes = leaves * DIGEST_BYTES + labelBytes + extensionBytes + FOOTER_BYTES;
  const fits = labelBytes <= MAX_LABEL_BYTES && isExtension(version, extensionBytes);
  if (!fits || leaves !== leafCount(size) || size + trailerBytes !== total) {
    throw new BlobDamaged(ref, `its footer does not fit its length of ${total} bytes`);
  }
  return { size, labelBytes, extensionBytes, trailerBytes };
}

function isExtension(version: number, bytes: number): boolean {
  if (version === OLDER_VERSION) return bytes === 0;
  return bytes >= EXTENSION_BYTES && bytes <= MAX_EXTENSION_BYTES;
}

/** Decodes and verifies what follows the data. @throws BlobDamaged. */
export function decodeTrailer(ref: string, trailer: Buffer, layout: Layout): BlobDescription {
  const { size, labelBytes, extensionBytes } = layout;
  const footer = trailer.subarray(-FOOTER_BYTES);
  const extension = trailer.length - FOOTER_BYTES - extensionBytes;
  const text = trailer.subarray(extension - labelBytes, extension);
  const leaves = trailer.subarray(0, extension - labelBytes);
  if (sumOf(trailer) !== footer.toString('hex', SUMMED_FOOTER_BYTES)) {
    throw new BlobDamaged(ref, 'its description does not match its own checksum');
  }
  const { treeHash, linearHash, ...label } = parseLabel(ref, text.toString());
  if (Buffer.from(foldDigests(leaves)).toString('hex') !== treeHash) {
    throw new BlobDamaged(ref, 'its leaves do not fold to its tree hash');
  }
  const writer = extensionBytes > 0 ? readWriter(trailer, extension) : undefined;
  return { label, size, treeHash, linearHash, leaves, writer };
}

/** A text that matches its checksum and is not JSON was not written by us. @throws BlobDamaged. */
function parseLabel(ref: string, text: string): BlobLabel & BlobDigests {
  try {
    const label: unknown = JSON.parse(text);
    if (typeof label === 'object' && label !== null) return label as BlobLabel & BlobDigests;
  } catch {
    // Reported below.
  }
  throw new BlobDamaged(ref, 'its label is not a JSON object');
}

function readWriter(trailer: Buffer, at: number): WriterStamp {
  return {
    commitNumber: Number(trailer.readBigUInt64LE(at)),
    generation: Number(trailer.readBigUInt64LE(at + 8)),
  };
}

/** SHA-256 of a trailer up to its own checksum. In hex, which Node.js gives faster than bytes. */
function sumOf(trailer: Buffer): string {
  return hash('sha256', trailer.subarray(0, SUMMED_FOOTER_BYTES - FOOTER_BYTES), 'hex');
}
