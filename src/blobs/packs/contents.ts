/** Reading all of a pack for a rebuild. */
import { hash } from 'node:crypto';
import { BlobDamaged, type BlobDescription } from '../../domain/blob-store.ts';
import type { FoundBlob } from '../../domain/store-contents.ts';
import { isReadError } from '../../durable/errors.ts';
import { exists, openIfPresent } from '../../durable/names.ts';
import { DIGEST_BYTES, LEAF_BYTES } from '../../treehash/index.ts';
import { describeBlob } from '../blob/open.ts';
import { type DiskPaths, packedRef } from '../disk/paths.ts';
import { type Extent, listExtents, type ReadableFile } from './file.ts';
import { HEADER_BYTES } from './format.ts';
import { ReadAhead } from './read-ahead.ts';
import { readRemovals } from './removals.ts';
import { findConfirmedEnd } from './unconfirmed.ts';

/**
 * The blobs of a pack that were not removed, and what is damaged in it. Beyond the place up to which the pack is confirmed,
 * what is not whole was torn by a crash, and counts as nothing.
 * @throws the I/O error, except for a read error.
 */
export async function* packContents(paths: DiskPaths, pack: string): AsyncIterable<FoundBlob> {
  const isOpen = await exists(paths.fs, paths.marker(pack));
  const confirmed = isOpen ? await findConfirmedEnd(paths, pack) : undefined;
  const removed = await readRemovals(paths, pack);
  const file = await openIfPresent(paths.fs, paths.pack(pack));
  if (file === undefined) return;
  const reader = new PackReader(paths.pack(pack), pack, new ReadAhead(file), confirmed);
  try {
    for await (const extent of listExtents(reader.file, pack, 0)) {
      if (removed.has(placeOf(extent))) continue;
      const found = await reader.read(extent);
      if (found) yield found;
    }
  } catch (error) {
    if (!isReadError(error)) throw error;
    yield { damage: `${paths.pack(pack)}: ${(error as Error).message}` };
  } finally {
    await file.close();
  }
}

function placeOf({ record, position }: Extent): number {
  return record?.place ?? position;
}

class PackReader {
  readonly #path: string;
  readonly #pack: string;
  readonly file: ReadableFile;
  readonly #confirmedEnd: number;

  /** @param confirmedEnd undefined: all of the pack is confirmed. */
  constructor(path: string, pack: string, file: ReadableFile, confirmedEnd: number | undefined) {
    this.#path = path;
    this.#pack = pack;
    this.file = file;
    this.#confirmedEnd = confirmedEnd ?? Number.POSITIVE_INFINITY;
  }

  /** The blob of an extent, or what is damaged there; undefined for the work of a crash. */
  async read(extent: Extent): Promise<FoundBlob | undefined> {
    const mayBeTorn = placeOf(extent) >= this.#confirmedEnd;
    const { record, position, bytes } = extent;
    if (record === undefined) {
      // A copy of a pack may end within a header.
      if (mayBeTorn || bytes < HEADER_BYTES) return undefined;
      return { damage: `${this.#path}: there is no whole blob at byte ${position}` };
    }
    const ref = packedRef({ pack: this.#pack, place: record.place });
    const start = position + HEADER_BYTES;
    try {
      const description = await describeBlob({ ref, file: this.file, start, total: record.blobBytes });
      if (mayBeTorn) await requireData(ref, this.file, start, description);
      return { ref, description };
    } catch (error) {
      if (!(error instanceof BlobDamaged)) throw error;
      const isCut = start + record.blobBytes > (await this.file.size());
      return mayBeTorn || isCut ? undefined : { damage: error.message };
    }
  }
}

/** @throws BlobDamaged unless the data are what the leaves say. */
async function requireData(
  ref: string,
  file: ReadableFile,
  start: number,
  { size, leaves }: BlobDescription,
): Promise<void> {
  for (let at = 0; at < size; at += LEAF_BYTES) {
    const bytes = await file.readAt(start + at, Math.min(LEAF_BYTES, size - at));
    const from = (at / LEAF_BYTES) * DIGEST_BYTES;
    const leaf = leaves.subarray(from, from + DIGEST_BYTES);
    if (Buffer.compare(hash('sha256', bytes, 'buffer'), leaf) !== 0)
      throw new BlobDamaged(ref, `its data were changed from byte ${at} on`);
  }
}
