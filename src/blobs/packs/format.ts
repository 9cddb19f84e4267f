/**
 * The form of a pack: small blobs one after the other in one file, each behind a header that names it. Specified in
 * docs/format.md; a change here needs a new version there.
 */
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';

const MAGIC = Buffer.from('MORPACK\0', 'latin1');
const TABLE_MAGIC = Buffer.from('MORTABL\0', 'latin1');
const VERSION = 1;

/** Every record begins at a multiple of this, so that a reader finds the one after a damaged one. */
export const RECORD_ALIGN = 64;
/** Length of a header; the blob follows directly. */
export const HEADER_BYTES = 64;

/*
 * Header, little-endian:
 *   0 magic (8) · 8 version u32 · 12 zero u32 · 16 blob bytes u64 · 24 place u64 · 32 name of the pack (16)
 *   48 first half of the SHA-256 (16) of the header's first 48 bytes.
 */
const SUMMED_HEADER_BYTES = 48;
const HEADER_SUM_BYTES = 16;

/** One blob in a pack. */
export interface PackRecord {
  /** Position at which the record was written. With the pack's name, it names the blob permanently. */
  readonly place: number;
  /** Length of the blob after the header. */
  readonly blobBytes: number;
}

/** Length of a record with such a blob, padding included. */
export function recordBytes(blobBytes: number): number {
  return Math.ceil((HEADER_BYTES + blobBytes) / RECORD_ALIGN) * RECORD_ALIGN;
}

/** The first position after `position` where a record may begin. */
export function nextPosition(position: number): number {
  return position + RECORD_ALIGN;
}

/** Encodes a header. @param pack the pack's name, 32 hex digits. */
export function encodeHeader(pack: string, { place, blobBytes }: PackRecord): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(VERSION, 8);
  header.writeBigUInt64LE(BigInt(blobBytes), 16);
  header.writeBigUInt64LE(BigInt(place), 24);
  header.write(pack, 32, 'hex');
  sumOf(header.subarray(0, SUMMED_HEADER_BYTES)).copy(header, SUMMED_HEADER_BYTES, 0, HEADER_SUM_BYTES);
  return header;
}

/** Decodes a header; undefined if the bytes are not a header of this pack. */
export function decodeHeader(pack: string, bytes: Buffer): PackRecord | undefined {
  if (bytes.length < HEADER_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return undefined;
  if (bytes.readUInt32LE(8) !== VERSION || bytes.toString('hex', 32, 48) !== pack) return undefined;
  const sum = sumOf(bytes.subarray(0, SUMMED_HEADER_BYTES)).subarray(0, HEADER_SUM_BYTES);
  if (!sum.equals(bytes.subarray(SUMMED_HEADER_BYTES, HEADER_BYTES))) return undefined;
  return { blobBytes: Number(bytes.readBigUInt64LE(16)), place: Number(bytes.readBigUInt64LE(24)) };
}

/*
 * Table, at the beginning of a compacted pack, little-endian:
 *   0 magic (8) · 8 version u32 · 12 entries u32 · then for each record, by place: place u64 · position u64
 *   then the SHA-256 (32) of all before it, then zeros up to a multiple of 64.
 */
const TABLE_HEAD_BYTES = 16;
const TABLE_ENTRY_BYTES = 16;
const TABLE_SUM_BYTES = 32;

/** Positions of a compacted pack's records, by place. */
export type PackTable = ReadonlyMap<number, number>;

/** Length of a table of this many records. */
export function tableBytes(records: number): number {
  const bytes = TABLE_HEAD_BYTES + records * TABLE_ENTRY_BYTES + TABLE_SUM_BYTES;
  return Math.ceil(bytes / RECORD_ALIGN) * RECORD_ALIGN;
}

/** Encodes a table. @param table positions by place, ascending. */
export function encodeTable(table: PackTable): Buffer {
  const bytes = Buffer.alloc(tableBytes(table.size));
  TABLE_MAGIC.copy(bytes);
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(table.size, 12);
  let at = TABLE_HEAD_BYTES;
  for (const [place, position] of table) {
    bytes.writeBigUInt64LE(BigInt(place), at);
    bytes.writeBigUInt64LE(BigInt(position), at + 8);
    at += TABLE_ENTRY_BYTES;
  }
  sumOf(bytes.subarray(0, at)).copy(bytes, at);
  return bytes;
}

/** Number of records in the table that begins with these bytes; undefined if they begin no table. */
export function tableSize(head: Buffer): number | undefined {
  if (head.length < TABLE_HEAD_BYTES || !head.subarray(0, 8).equals(TABLE_MAGIC)) return undefined;
  return head.readUInt32LE(8) === VERSION ? head.readUInt32LE(12) : undefined;
}

/** Decodes and verifies a table; undefined if the bytes do not begin with an intact one. */
export function decodeTable(bytes: Buffer): PackTable | undefined {
  const entries = tableSize(bytes);
  if (entries === undefined || bytes.length < tableBytes(entries)) return undefined;
  const end = TABLE_HEAD_BYTES + entries * TABLE_ENTRY_BYTES;
  if (!sumOf(bytes.subarray(0, end)).equals(bytes.subarray(end, end + TABLE_SUM_BYTES))) return undefined;
  const table = new Map<number, number>();
  for (let at = TABLE_HEAD_BYTES; at < end; at += TABLE_ENTRY_BYTES) {
    table.set(Number(bytes.readBigUInt64LE(at)), Number(bytes.readBigUInt64LE(at + 8)));
  }
  return table;
}

/**
 * Searches an unverified table for the position of a record; undefined if the table lacks its place. Much cheaper than
 * decoding when there are many records: the caller verifies the header at that position instead.
 */
export function searchTable(bytes: Buffer, place: number): number | undefined {
  let [low, high] = [0, tableSize(bytes) ?? 0];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const at = TABLE_HEAD_BYTES + middle * TABLE_ENTRY_BYTES;
    const found = Number(bytes.readBigUInt64LE(at));
    if (found === place) return Number(bytes.readBigUInt64LE(at + 8));
    if (found < place) low = middle + 1;
    else high = middle;
  }
  return undefined;
}

/** Length of a removal: one item in a pack's list of removed records. */
export const REMOVAL_BYTES = 16;

/*
 * Removal, little-endian: 0 place u64 · 8 bytes u32 · 12 CRC-32 of the pack's name (16) and the 12 bytes before.
 */
const SUMMED_REMOVAL_BYTES = 12;

/** Encodes the removal of a record. @param pack the pack's name. */
export function encodeRemoval(pack: string, { place, blobBytes }: PackRecord): Buffer {
  const entry = Buffer.alloc(REMOVAL_BYTES);
  entry.writeBigUInt64LE(BigInt(place), 0);
  entry.writeUInt32LE(blobBytes, 8);
  entry.writeUInt32LE(sumRemoval(pack, entry), SUMMED_REMOVAL_BYTES);
  return entry;
}

/** Decodes a list: the length of each removed blob by its place. Ignores torn and damaged removals. */
export function decodeRemovals(pack: string, bytes: Buffer): Map<number, number> {
  const removed = new Map<number, number>();
  for (let at = 0; at + REMOVAL_BYTES <= bytes.length; at += REMOVAL_BYTES) {
    const entry = bytes.subarray(at, at + REMOVAL_BYTES);
    if (isRemovalEntry(pack, entry)) removed.set(Number(entry.readBigUInt64LE(0)), entry.readUInt32LE(8));
  }
  return removed;
}

/** Whether the list has a removal of this place. Does not decode the whole list, which may be long. */
export function hasRemoval({ pack, place }: { pack: string; place: number }, bytes: Buffer): boolean {
  const [low, high] = [place % 2 ** 32, Math.floor(place / 2 ** 32)];
  for (let at = 0; at + REMOVAL_BYTES <= bytes.length; at += REMOVAL_BYTES) {
    if (bytes.readUInt32LE(at) !== low || bytes.readUInt32LE(at + 4) !== high) continue;
    if (isRemovalEntry(pack, bytes.subarray(at, at + REMOVAL_BYTES))) return true;
  }
  return false;
}

function isRemovalEntry(pack: string, entry: Buffer): boolean {
  return entry.readUInt32LE(SUMMED_REMOVAL_BYTES) === sumRemoval(pack, entry);
}

function sumRemoval(pack: string, entry: Buffer): number {
  return crc32(entry.subarray(0, SUMMED_REMOVAL_BYTES), crc32(Buffer.from(pack, 'hex')));
}

function sumOf(bytes: Buffer): Buffer {
  return hash('sha256', bytes, 'buffer');
}
