/** Reads packs as docs/format.md specifies, without any of the server's code. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

const ALIGN = 64;
const HEADER_BYTES = 64;

/** A blob within a file. */
export interface BlobPlace {
  readonly ref: string;
  readonly path: string;
  /** Start of the blob, and its length including the trailer. */
  readonly start: number;
  readonly bytes: number;
}

interface Header {
  readonly place: number;
  readonly blobBytes: number;
}

/** Finds a blob in a file of its own or in a pack. @throws Error when it is missing. */
export async function placeOf(store: string, ref: string): Promise<BlobPlace> {
  const [pack = '', place] = ref.split('.');
  if (place !== undefined) return withPack(store, pack, (_, blobs) => only(ref, blobs));
  const path = join(store, 'blobs', ref.slice(-2), ref);
  return { ref, path, start: 0, bytes: (await stat(path)).size };
}

/** Reads a blob including its trailer. @throws Error when it is missing. */
export async function bytesOf(store: string, ref: string): Promise<Buffer> {
  const [pack = '', place] = ref.split('.');
  if (place === undefined) return readFile(join(store, 'blobs', ref.slice(-2), ref));
  // Reads from the file that was searched, because the pack may be compacted meanwhile.
  return withPack(store, pack, (file, blobs) => {
    const { start, bytes } = only(ref, blobs);
    return read(file, start, bytes);
  });
}

function only(ref: string, blobs: readonly BlobPlace[]): BlobPlace {
  const found = blobs.find((one) => one.ref === ref);
  if (!found) throw new Error(`there is no blob ${ref}`);
  return found;
}

/** Every blob of every pack. */
export async function packedBlobs(store: string): Promise<BlobPlace[]> {
  const names = await readdir(join(store, 'packs'));
  const packs = names.flatMap((name) => /^([0-9a-f]{32})\.pack$/.exec(name)?.[1] ?? []);
  return (await Promise.all(packs.map((pack) => blobsOfPack(store, pack)))).flat();
}

/** Name and length of each compacted pack. */
export async function compactedPacks(store: string): Promise<string[]> {
  const compacted: string[] = [];
  for (const name of await readdir(join(store, 'packs'))) {
    if (!name.endsWith('.pack')) continue;
    const bytes = await readIfThere(join(store, 'packs', name));
    if (bytes.toString('latin1', 0, 8) === 'MORTABL\0') compacted.push(`${name} ${bytes.length}`);
  }
  return compacted;
}

/** Packed blobs that are unconfirmed. */
export async function unconfirmedBlobs(store: string): Promise<string[]> {
  const refs: string[] = [];
  for (const name of await readdir(join(store, 'incoming'))) {
    const pack = /^([0-9a-f]{32})\.open$/.exec(name)?.[1];
    if (pack === undefined) continue;
    const judged = Number(await readIfThere(join(store, 'incoming', name)));
    for (const { ref } of await blobsOfPack(store, pack)) {
      if (Number(ref.split('.')[1]) >= judged) refs.push(ref);
    }
  }
  return refs;
}

async function blobsOfPack(store: string, pack: string): Promise<BlobPlace[]> {
  // The pack may have been removed since it was listed.
  return withPack(store, pack, (_, blobs) => blobs).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
}

/** @throws Error when the pack is missing. */
async function withPack<Result>(
  store: string,
  pack: string,
  use: (file: FileHandle, blobs: BlobPlace[]) => Result | Promise<Result>,
): Promise<Result> {
  const path = join(store, 'packs', `${pack}.pack`);
  const removed = removalsIn(pack, await readIfThere(join(store, 'packs', `${pack}.removed`)));
  const file = await open(path, 'r');
  try {
    const blobs: BlobPlace[] = [];
    const { size } = await file.stat();
    const isAtHome = headerOf(pack, await read(file, 0, HEADER_BYTES))?.place === 0;
    for (let at = await endOfTable(file); at + HEADER_BYTES <= size; ) {
      const found = headerOf(pack, await read(file, at, HEADER_BYTES));
      const header = isAtHome && found?.place !== at ? undefined : found;
      const ref = `${pack}.${header?.place}`;
      if (header && !removed.has(header.place))
        blobs.push({ ref, path, start: at + HEADER_BYTES, bytes: header.blobBytes });
      at += header ? Math.ceil((HEADER_BYTES + header.blobBytes) / ALIGN) * ALIGN : ALIGN;
    }
    return await use(file, blobs);
  } finally {
    await file.close();
  }
}

function headerOf(pack: string, bytes: Buffer): Header | undefined {
  if (
    bytes.length < HEADER_BYTES ||
    bytes.toString('latin1', 0, 8) !== 'MORPACK\0' ||
    bytes.readUInt32LE(8) !== 1
  )
    return undefined;
  if (bytes.toString('hex', 32, 48) !== pack) return undefined;
  const sum = createHash('sha256').update(bytes.subarray(0, 48)).digest().subarray(0, 16);
  if (!sum.equals(bytes.subarray(48))) return undefined;
  return { blobBytes: Number(bytes.readBigUInt64LE(16)), place: Number(bytes.readBigUInt64LE(24)) };
}

/**
 * 0 for a pack that was never compacted or whose table is damaged; such a pack is searched for headers from its start.
 */
async function endOfTable(file: FileHandle): Promise<number> {
  const head = await read(file, 0, 16);
  if (head.toString('latin1', 0, 8) !== 'MORTABL\0') return 0;
  const end = 16 + 16 * head.readUInt32LE(12);
  const table = await read(file, 0, end + 32);
  const sum = createHash('sha256').update(table.subarray(0, end)).digest();
  return sum.equals(table.subarray(end)) ? Math.ceil((end + 32) / ALIGN) * ALIGN : 0;
}

function removalsIn(pack: string, list: Buffer): Set<number> {
  const removed = new Set<number>();
  for (let at = 0; at + 16 <= list.length; at += 16) {
    const sum = crc32(list.subarray(at, at + 12), crc32(Buffer.from(pack, 'hex')));
    if (sum === list.readUInt32LE(at + 12)) removed.add(Number(list.readBigUInt64LE(at)));
  }
  return removed;
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
  return buffer.subarray(0, bytesRead);
}

function readIfThere(path: string): Promise<Buffer> {
  return readFile(path).catch(() => Buffer.alloc(0));
}
