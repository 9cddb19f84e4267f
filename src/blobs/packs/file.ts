/** Reading packs: one blob by its name, or everything in order. */
import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import { openIfPresent } from '../../durable/names.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { type DiskPaths, type PackedName, packedRef } from '../disk/paths.ts';
import {
  decodeHeader,
  decodeTable,
  HEADER_BYTES,
  nextPosition,
  type PackRecord,
  type PackTable,
  recordBytes,
  searchTable,
  tableBytes,
  tableSize,
} from './format.ts';
import { isRemoved } from './removals.ts';

const WINDOW_BYTES = 1024 * 1024;

/** What reading a pack needs of a file. */
export type ReadableFile = Pick<OpenFile, 'size' | 'readAt'>;

/** A record and its current position. */
export interface PlacedRecord extends PackRecord {
  readonly position: number;
}

/** A run of bytes in a pack: a record, or unrecognized bytes up to the next record. */
export interface Extent {
  readonly position: number;
  readonly bytes: number;
  readonly record: PackRecord | undefined;
}

/** Opens the pack of a blob. @throws BlobMissing when it is not there or was removed, BlobDamaged. */
export async function openPacked(paths: DiskPaths, name: PackedName): Promise<PlacedBlob> {
  const ref = packedRef(name);
  // Reads the list before the pack: if the list has just been dropped, the pack was compacted before that.
  if (await isRemoved(paths, name)) throw new BlobMissing(ref);
  const file = await openIfPresent(paths.fs, paths.pack(name.pack));
  if (file === undefined) throw new BlobMissing(ref);
  try {
    const { position, blobBytes } = await findRecord(file, name);
    return { ref, file, start: position + HEADER_BYTES, total: blobBytes };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Finds the record of this name. @throws BlobMissing, BlobDamaged. */
export async function findRecord(file: ReadableFile, name: PackedName): Promise<PlacedRecord> {
  const size = await file.size();
  const table = await readTable(file, size);
  // Without a table, each record is at its place.
  const position = table ? searchTable(table, name.place) : name.place;
  if (position !== undefined && position < size) {
    const record = decodeHeader(name.pack, await file.readAt(position, HEADER_BYTES));
    if (record?.place === name.place) return { ...record, position };
  }
  if (table && position === undefined && decodeTable(table)) throw new BlobMissing(packedRef(name));
  // Something is damaged: search all headers, which name their records.
  for await (const { position: at, record } of listExtents(file, name.pack, 0)) {
    if (record?.place === name.place) return { ...record, position: at };
  }
  // A compacted pack may be shorter, and its table misread: then it does not begin with a record either.
  if (!table && name.place >= size && (size === 0 || (await isAtHome(file, name.pack))))
    throw new BlobMissing(packedRef(name));
  throw new BlobDamaged(packedRef(name), 'its pack has no record of it');
}

/** Reads the table at the beginning of a pack, without verifying it; undefined if there is none that fits the file. */
async function readTable(file: ReadableFile, size: number): Promise<Buffer | undefined> {
  const records = tableSize(await file.readAt(0, HEADER_BYTES));
  if (records === undefined || tableBytes(records) > size) return undefined;
  return file.readAt(0, tableBytes(records));
}

/** The positions of a compacted pack's records, by place; undefined without an intact table. @throws the I/O error. */
export async function readIntactTable(file: ReadableFile): Promise<PackTable | undefined> {
  const table = await readTable(file, await file.size());
  return table && decodeTable(table);
}

/** Whether the pack was compacted. @param size length of the file. @throws the I/O error. */
export async function hasTable(file: OpenFile, size: number): Promise<boolean> {
  return (await readTable(file, size)) !== undefined;
}

/**
 * Lists everything from the position `from`, or from the end of the table, to the current end of the file. Where there
 * is no record (a torn end, a damaged header), continues at the next position where one may begin.
 */
export async function* listExtents(file: ReadableFile, pack: string, from: number): AsyncGenerator<Extent> {
  const size = await file.size();
  const headers = new HeaderWindow(file, pack, await isAtHome(file, pack));
  let at = Math.max(from, await endOfTable(file, size));
  let gap = at;
  while (at < size) {
    const record = await headers.at(at);
    if (!record) {
      at = nextPosition(at);
      continue;
    }
    if (gap < at) yield { position: gap, bytes: at - gap, record: undefined };
    const bytes = recordBytes(record.blobBytes);
    yield { position: at, bytes, record };
    at += bytes;
    gap = at;
  }
  if (gap < size) yield { position: gap, bytes: size - gap, record: undefined };
}

/**
 * Whether all records are at their places, because the first one is. Then a header that names another place is a copy,
 * such as one in a client's data.
 */
async function isAtHome(file: ReadableFile, pack: string): Promise<boolean> {
  return decodeHeader(pack, await file.readAt(0, HEADER_BYTES))?.place === 0;
}

/** End of the table; 0 without an intact one. */
async function endOfTable(file: ReadableFile, size: number): Promise<number> {
  const table = await readTable(file, size);
  return table && decodeTable(table) ? table.length : 0;
}

/** Reads headers in ascending order, many in one read. */
class HeaderWindow {
  readonly #file: ReadableFile;
  readonly #pack: string;
  readonly #isAtHome: boolean;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: ReadableFile, pack: string, isAtHome: boolean) {
    this.#file = file;
    this.#pack = pack;
    this.#isAtHome = isAtHome;
  }

  /** The record that begins at `position`, if any. */
  async at(position: number): Promise<PackRecord | undefined> {
    if (position + HEADER_BYTES > this.#start + this.#bytes.length) {
      this.#start = position;
      this.#bytes = await this.#file.readAt(position, WINDOW_BYTES);
    }
    const from = position - this.#start;
    const record = decodeHeader(this.#pack, this.#bytes.subarray(from, from + HEADER_BYTES));
    return this.#isAtHome && record?.place !== position ? undefined : record;
  }
}
