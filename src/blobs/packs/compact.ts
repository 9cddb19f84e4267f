import { BlobDamaged } from '../../domain/blob-store.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { replaceFile } from '../../durable/replace-file.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { type DiskPaths, packedRef } from '../disk/paths.ts';
import { type Extent, listExtents, type PlacedRecord, type ReadableFile, readIntactTable } from './file.ts';
import { encodeTable, HEADER_BYTES, recordBytes, tableBytes } from './format.ts';
import { isWhole } from './whole.ts';

/** Neighbouring records are copied together, up to this size: bounds memory, and takes few calls for tiny blobs. */
const COPY_BYTES = 1024 * 1024;

interface CompactionDeps {
  readonly engine: HashEngine;
  readonly paths: DiskPaths;
  readonly flush: Flush;
  readonly packsFlusher: FolderFlusher;
}

/**
 * Rewrites a pack without its removed records and replaces the old file. Names stay valid: a table at the beginning
 * maps each to the record's new position. A reader that has the old file open continues to read that. A crash leaves
 * the old pack or the new one; both are correct.
 * @param removed removed records by place.
 * @returns the number of records left; with 0, nothing was written.
 * @throws BlobDamaged for unrecognized bytes: they may be a blob with a damaged header, so the pack stays as it is. The
 * I/O error; Error when the disk misreads the pack.
 */
export async function compactPack(
  deps: CompactionDeps,
  pack: string,
  removed: ReadonlyMap<number, number>,
): Promise<number> {
  const { paths, engine, flush, packsFlusher } = deps;
  const source = await paths.fs.open(paths.pack(pack), 'read');
  try {
    const kept = await listKept(source, pack, removed);
    if (kept.length === 0) return 0;
    await replaceFile(paths.fs, paths.pack(pack), {
      temporary: paths.compacting(pack),
      write: (target) => writeCompacted(engine, pack, source, target, kept),
      flush: (target) => flush(() => target.flushData()),
      flushNames: () => packsFlusher.flush(),
    });
    return kept.length;
  } finally {
    await source.close();
  }
}

/**
 * The records of a pack that were not removed, by place.
 * @throws BlobDamaged for unrecognized bytes, and when a record of its table is missing.
 */
export async function listKept(
  source: ReadableFile,
  pack: string,
  removed: ReadonlyMap<number, number>,
): Promise<PlacedRecord[]> {
  const kept: PlacedRecord[] = [];
  const places: number[] = [];
  const unknown: Extent[] = [];
  let isMoved: boolean | undefined;
  for await (const extent of listExtents(source, pack, 0)) {
    const { position, record } = extent;
    isMoved ??= position > 0;
    if (!record) unknown.push(extent);
    else {
      isMoved ||= record.place !== position;
      places.push(record.place);
      if (!removed.has(record.place)) kept.push({ ...record, position });
    }
  }
  // A start has marked as removed what a crash tore. A compacted pack has nothing torn in it.
  const strange = unknown.find((one) => isMoved || !isRemoved(one, removed));
  if (strange) {
    throw new BlobDamaged(
      pack,
      `there is no whole record at byte ${strange.position}; the pack is not compacted`,
    );
  }
  requireEach(pack, places, isMoved ? await requireTable(pack, source) : new Map());
  return kept.sort((a, b) => a.place - b.place);
}

/**
 * Where the disk misreads a header, it may show that of another record, perhaps of a removed one: then that one is there
 * twice, and a record is missing. @param table of a compacted pack, empty for another. @throws BlobDamaged.
 */
function requireEach(pack: string, places: readonly number[], table: ReadonlyMap<number, number>): void {
  const found = new Set(places);
  if (found.size !== places.length)
    throw new BlobDamaged(pack, 'it has two records of one place; the pack is not compacted');
  for (const place of table.keys())
    if (!found.has(place))
      throw new BlobDamaged(pack, `it lacks the record ${place} of its table; the pack is not compacted`);
}

async function requireTable(pack: string, source: ReadableFile): Promise<ReadonlyMap<number, number>> {
  const table = await readIntactTable(source);
  if (table === undefined) throw new BlobDamaged(pack, 'its table is damaged; the pack is not compacted');
  return table;
}

/** Whether just this stretch was removed. A longer or shorter one was misread, and may hold other records. */
function isRemoved({ position, bytes }: Extent, removed: ReadonlyMap<number, number>): boolean {
  const noted = removed.get(position);
  return noted !== undefined && recordBytes(noted) === recordBytes(Math.max(1, bytes - HEADER_BYTES));
}

async function writeCompacted(
  engine: HashEngine,
  pack: string,
  source: OpenFile,
  target: OpenFile,
  kept: readonly PlacedRecord[],
): Promise<void> {
  const table = new Map<number, number>();
  let position = tableBytes(kept.length);
  for (const run of runsOf(kept)) {
    const from = run[0]?.position ?? 0;
    for (const record of run) table.set(record.place, position + record.position - from);
    await target.writeAt(position, await readRun(engine, pack, source, run));
    position += runBytes(run);
  }
  await target.writeAt(0, encodeTable(table));
}

/**
 * Reads a run. A damaged blob keeps its bytes, for a later examination, but bytes that the disk misread must not replace
 * those that it holds: a run with a damaged blob must read the same twice.
 */
async function readRun(
  engine: HashEngine,
  pack: string,
  source: OpenFile,
  run: readonly PlacedRecord[],
): Promise<Buffer> {
  const from = run[0]?.position ?? 0;
  const bytes = await source.readAt(from, runBytes(run));
  for (const { place, blobBytes, position } of run) {
    const start = position - from + HEADER_BYTES;
    const blob = bytes.subarray(start, start + blobBytes);
    if (await isWhole(engine, packedRef({ pack, place }), blob)) continue;
    if (bytes.equals(await source.readAt(from, bytes.length))) continue;
    throw new Error(`the disk reads the pack ${pack} differently each time; it is not compacted`);
  }
  return bytes;
}

/** Groups adjacent records into runs that are small enough to copy at once. */
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
