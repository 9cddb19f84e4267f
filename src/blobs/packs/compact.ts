import { BlobDamaged } from '../../domain/blob-store.ts';
import type { OpenFile } from '../../durable/disk.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { replaceFile } from '../../durable/replace-file.ts';
import type { DiskPaths } from '../disk/paths.ts';
import { type Extent, listExtents, type PlacedRecord } from './file.ts';
import { encodeTable, recordBytes, tableBytes } from './format.ts';

/** Neighbours are copied together, so many bytes at most: as little memory as that, and few calls for tiny blobs. */
const COPY_BYTES = 1024 * 1024;

interface CompactionDeps {
  readonly paths: DiskPaths;
  readonly flush: Flush;
  readonly packsFlusher: FolderFlusher;
}

/**
 * Writes a pack again without the records that were removed, and puts it in the place of the old one. Names
 * stay: a table at the beginning tells where each record lies now. A reader that has the old file open goes on
 * reading it. A crash leaves the old pack or the new one, both right.
 * @param removed by place.
 * @returns how many records are left; none: nothing was written.
 * @throws BlobDamaged when there are bytes that nobody knows what they are: they may be a blob whose header is
 * damaged, so the pack stays as it is. The I/O error.
 */
export async function compactPack(
  deps: CompactionDeps,
  pack: string,
  removed: ReadonlyMap<number, number>,
): Promise<number> {
  const { paths, flush, packsFlusher } = deps;
  const source = await paths.disk.open(paths.pack(pack), 'read');
  try {
    const kept = await listKept(source, pack, removed);
    if (kept.length === 0) return 0;
    await replaceFile(paths.disk, paths.pack(pack), {
      temporary: paths.compacting(pack),
      write: (target) => writeCompacted(source, target, kept),
      flush: (target) => flush(() => target.flushData()),
      flushNames: () => packsFlusher.flush(),
    });
    return kept.length;
  } finally {
    await source.close();
  }
}

async function listKept(
  source: OpenFile,
  pack: string,
  removed: ReadonlyMap<number, number>,
): Promise<PlacedRecord[]> {
  const kept: PlacedRecord[] = [];
  const unknown: Extent[] = [];
  let isMoved: boolean | undefined;
  for await (const extent of listExtents(source, pack, 0)) {
    const { position, record } = extent;
    isMoved ??= position > 0;
    if (!record) unknown.push(extent);
    else {
      isMoved ||= record.place !== position;
      if (!removed.has(record.place)) kept.push({ ...record, position });
    }
  }
  // Of what a crash tore, a start has noted that it is nothing. Where records were moved, nothing is torn.
  const strange = unknown.find((one) => isMoved || !isRemoved(one, removed));
  if (strange) {
    throw new BlobDamaged(
      pack,
      `there is no whole record at byte ${strange.position}; the pack is not compacted`,
    );
  }
  return kept.sort((a, b) => a.place - b.place);
}

function isRemoved({ position, bytes }: Extent, removed: ReadonlyMap<number, number>): boolean {
  const noted = removed.get(position);
  return noted !== undefined && recordBytes(noted) >= bytes;
}

async function writeCompacted(
  source: OpenFile,
  target: OpenFile,
  kept: readonly PlacedRecord[],
): Promise<void> {
  const table = new Map<number, number>();
  let position = tableBytes(kept.length);
  for (const run of runsOf(kept)) {
    const from = run[0]?.position ?? 0;
    for (const record of run) table.set(record.place, position + record.position - from);
    // As they are: a damaged blob stays what it is, for whoever looks into it.
    await target.writeAt(position, await source.readAt(from, runBytes(run)));
    position += runBytes(run);
  }
  await target.writeAt(0, encodeTable(table));
}

/** Records that lie one behind the other, few enough to be copied at once. */
function* runsOf(kept: readonly PlacedRecord[]): Generator<readonly PlacedRecord[]> {
  let run: PlacedRecord[] = [];
  for (const record of kept) {
    const [first, last] = [run[0], run.at(-1)];
    const isNext = last && last.position + recordBytes(last.blobBytes) === record.position;
    if (first && (!isNext || record.position - first.position >= COPY_BYTES)) {
      yield run;
      run = [];
    }
    run.push(record);
  }
  if (run.length > 0) yield run;
}

function runBytes(run: readonly PlacedRecord[]): number {
  return run.reduce((sum, { blobBytes }) => sum + recordBytes(blobBytes), 0);
}
