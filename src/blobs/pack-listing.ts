/** What is left in a pack. */
import type { FileHandle } from 'node:fs/promises';
import { type DiskPaths, packedRef } from './disk-paths.ts';
import { openIfThere } from './file-names.ts';
import { type PlacedBlob, type Stretch, stretchesOf } from './pack-file.ts';
import { HEADER_BYTES } from './pack-format.ts';
import { removalsOf } from './pack-removals.ts';

/** A run of bytes in a pack: a blob, or what is none. */
export interface ListedStretch extends Stretch {
  readonly blob: PlacedBlob | undefined;
}

/**
 * All that was not removed of a pack, from the position `from` on. Nothing when there is no such pack. The
 * blobs' file is open until the next one is asked for.
 */
export async function* leftIn(paths: DiskPaths, pack: string, from: number): AsyncGenerator<ListedStretch> {
  // First the list, then the pack: it may be compacted, and its list forgotten, at any moment.
  const removed = await removalsOf(paths, pack);
  const file = await openIfThere(paths.pack(pack));
  if (file === undefined) return;
  try {
    for await (const stretch of stretchesOf(file, pack, from)) {
      const place = stretch.record?.place ?? stretch.position;
      if (!removed.has(place)) yield { ...stretch, blob: blobOf(file, pack, stretch) };
    }
  } finally {
    await file.close();
  }
}

function blobOf(file: FileHandle, pack: string, { record, position }: Stretch): PlacedBlob | undefined {
  if (!record) return undefined;
  const { place, blobBytes } = record;
  return { ref: packedRef({ pack, place }), file, start: position + HEADER_BYTES, total: blobBytes };
}
