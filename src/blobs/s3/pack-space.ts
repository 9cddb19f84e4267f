/** Freeing the space of removed blobs in packs. */
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { packedRef } from '../disk/paths.ts';
import {
  encodeTable,
  HEADER_BYTES,
  isWhole,
  listKept,
  type PlacedRecord,
  recordBytes,
  tableBytes,
} from '../packs/index.ts';
import { packKey, removalKey } from './keys.ts';
import { memoryFile } from './object-file.ts';
import { ConditionFailed, type Objects } from './objects.ts';

/** A pack is compacted when this share of it is removed. */
const WORTHWHILE = 0.5;

/** A pack, and what was removed from it. */
export interface PackWithRemovals {
  readonly pack: string;
  readonly size: number;
  readonly etag: string;
  /** Length of each removed blob by its place. */
  readonly removed: ReadonlyMap<number, number>;
}

/** Remembers which packs may be worth compacting. */
export class PackSpace {
  /** Packs that this process removed something from. */
  readonly #touched = new Set<string>();
  /** Whether the packs that earlier processes removed something from are known. */
  #knowsAll = false;

  noteRemoval(pack: string): void {
    this.#touched.add(pack);
  }

  /**
   * Calls `compactOne` for each pack that may be worth it. @param listAll read once.
   * @throws AggregateError with what failed; those packs are tried again.
   */
  async compact(
    listAll: () => AsyncIterable<PackWithRemovals>,
    compactOne: (pack: string) => Promise<void>,
  ): Promise<void> {
    const errors: unknown[] = [];
    const tryOne = async (pack: string): Promise<void> => {
      try {
        await compactOne(pack);
      } catch (error) {
        this.#touched.add(pack);
        errors.push(error);
      }
    };
    if (!this.#knowsAll) {
      for await (const listed of listAll()) if (isWorthwhile(listed)) await tryOne(listed.pack);
      this.#knowsAll = true;
    }
    const touched = [...this.#touched];
    this.#touched.clear();
    for (const pack of touched) await tryOne(pack);
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} packs cannot be compacted`);
  }
}

function isWorthwhile({ size, removed }: PackWithRemovals): boolean {
  let bytes = 0;
  for (const blobBytes of removed.values()) bytes += recordBytes(blobBytes);
  return removed.size > 0 && bytes >= size * WORTHWHILE;
}

/**
 * Rewrites a pack without its removed blobs, or removes it, if that is worth it. The new object replaces the old one at
 * once, and only if no other process did so before; then the removals go.
 * @throws BlobDamaged for unrecognized bytes; Error when a blob is not what was stored; the engine's error.
 */
export async function compactPack(
  objects: Objects,
  engine: HashEngine,
  listed: PackWithRemovals,
): Promise<void> {
  if (!isWorthwhile(listed)) return;
  const { pack, etag, removed } = listed;
  const key = packKey(pack);
  const found = await objects.get(key);
  if (found === undefined || found.etag !== etag) return;
  const kept = await listKept(memoryFile(found.bytes), pack, removed);
  for (const record of kept) await requireWhole(engine, pack, found.bytes, record);
  try {
    if (kept.length === 0) await objects.remove(key);
    else await objects.put(key, encodeCompacted(found.bytes, kept), { etag });
  } catch (error) {
    if (error instanceof ConditionFailed) return;
    throw error;
  }
  for (const [place, blobBytes] of removed) await objects.remove(removalKey(pack, place, blobBytes));
}

async function requireWhole(
  engine: HashEngine,
  pack: string,
  bytes: Buffer,
  { place, position, blobBytes }: PlacedRecord,
): Promise<void> {
  const ref = packedRef({ pack, place });
  const start = position + HEADER_BYTES;
  if (await isWhole(engine, ref, bytes.subarray(start, start + blobBytes))) return;
  throw new Error(`the blob ${ref} is damaged; its pack is not compacted`);
}

function encodeCompacted(bytes: Buffer, kept: readonly PlacedRecord[]): Buffer {
  const table = new Map<number, number>();
  const pieces: Buffer[] = [];
  let end = tableBytes(kept.length);
  for (const { place, position, blobBytes } of kept) {
    const length = recordBytes(blobBytes);
    table.set(place, end);
    pieces.push(bytes.subarray(position, position + length));
    end += length;
  }
  return Buffer.concat([encodeTable(table), ...pieces]);
}
