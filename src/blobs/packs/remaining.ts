/** Listing what was not removed from a pack. */
import type { OpenFile } from '../../durable/file-system.ts';
import { openIfPresent } from '../../durable/names.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { type DiskPaths, packedRef } from '../disk/paths.ts';
import { type Extent, listExtents } from './file.ts';
import { HEADER_BYTES } from './format.ts';
import { readRemovals } from './removals.ts';

/** A run of bytes in a pack: a blob, or unrecognized bytes. */
export interface ListedExtent extends Extent {
  /** The pack's file, open until the next item is asked for. */
  readonly file: OpenFile;
  readonly blob: PlacedBlob | undefined;
}

/**
 * Lists what was not removed from a pack, from the position `from` on; nothing if there is no such pack. A blob's file
 * is open until the next item is asked for.
 */
export async function* listRemaining(
  paths: DiskPaths,
  pack: string,
  from: number,
): AsyncGenerator<ListedExtent> {
  // Reads the list before the pack: a compaction may replace the pack and drop the list at any moment.
  const removed = await readRemovals(paths, pack);
  const file = await openIfPresent(paths.fs, paths.pack(pack));
  if (file === undefined) return;
  try {
    for await (const extent of listExtents(file, pack, from)) {
      const place = extent.record?.place ?? extent.position;
      if (!removed.has(place)) yield { ...extent, file, blob: blobOf(file, pack, extent) };
    }
  } finally {
    await file.close();
  }
}

function blobOf(file: OpenFile, pack: string, { record, position }: Extent): PlacedBlob | undefined {
  if (!record) return undefined;
  const { place, blobBytes } = record;
  return { ref: packedRef({ pack, place }), file, start: position + HEADER_BYTES, total: blobBytes };
}
