import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { type PackedName, packedRef } from '../disk/paths.ts';
import { toStoreFailure } from '../disk/store-failure.ts';
import { encodeHeader, findRecord, HEADER_BYTES, listExtents, recordBytes } from '../packs/index.ts';
import { PACKS, packKey, packOfKey, parseRemoval, removalKey, removalsPrefix } from './keys.ts';
import type { Names } from './names.ts';
import { ObjectFile } from './object-file.ts';
import { ConditionFailed, type Objects } from './objects.ts';
import { compactPack, PackSpace, type PackWithRemovals } from './pack-space.ts';

/** Upper size of a pack, all of which is sent at once. */
const PACK_BYTES = 4 * 1024 * 1024;
/** A pack is compacted at most once in a while. */
const TRIES = 3;

interface PendingBlob {
  readonly pieces: readonly Uint8Array[];
  readonly blobBytes: number;
  resolve(name: PackedName): void;
  reject(error: unknown): void;
}

interface ObjectPacksDeps {
  readonly objects: Objects;
  readonly engine: HashEngine;
  readonly names: Names;
}

/** A pack of this process with blobs that are neither confirmed nor removed. */
type UnconfirmedPlaces = Set<number>;

/** Small blobs. Those that arrive while a pack is being sent share the next one. A pack is never appended to. */
export class ObjectPacks {
  readonly #deps: ObjectPacksDeps;
  readonly #unconfirmed = new Map<string, UnconfirmedPlaces>();
  readonly #space = new PackSpace();
  #queue: PendingBlob[] = [];
  #running: Promise<void> | undefined;

  constructor(deps: ObjectPacksDeps) {
    this.#deps = deps;
  }

  /** Stores a blob, given in pieces, and returns its reference; durable when it resolves. @throws StoreFailure. */
  async append(pieces: readonly Uint8Array[]): Promise<string> {
    const blobBytes = pieces.reduce((sum, { length }) => sum + length, 0);
    const name = await new Promise<PackedName>((resolve, reject) => {
      this.#queue.push({ pieces, blobBytes, resolve, reject });
      this.#running ??= this.#drain();
    });
    return packedRef(name);
  }

  async #drain(): Promise<void> {
    // Waits one turn of the event loop: blobs that arrived with this one join its pack.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) await this.#store(this.#nextGroup());
    this.#running = undefined;
  }

  #nextGroup(): readonly PendingBlob[] {
    let bytes = 0;
    const first = this.#queue.findIndex(({ blobBytes }) => {
      bytes += recordBytes(blobBytes);
      return bytes > PACK_BYTES;
    });
    return this.#queue.splice(0, first < 0 ? this.#queue.length : Math.max(1, first));
  }

  async #store(group: readonly PendingBlob[]): Promise<void> {
    try {
      const pack = await this.#deps.names.draw();
      const { bytes, places } = encodePack(pack, group);
      // After a failure, the pack may be there all the same: its name stays unsettled, and a start looks at it.
      await this.#deps.objects.put(packKey(pack), bytes);
      this.#unconfirmed.set(pack, new Set(places));
      for (const [i, { resolve }] of group.entries()) resolve({ pack, place: places[i] ?? 0 });
    } catch (error) {
      for (const { reject } of group) reject(toStoreFailure('a blob cannot be stored', error));
    }
  }

  confirm({ pack, place }: PackedName): void {
    const places = this.#unconfirmed.get(pack);
    if (!places?.delete(place) || places.size > 0) return;
    this.#unconfirmed.delete(pack);
    this.#deps.names.settle(pack);
  }

  /** Blobs of this process that are neither confirmed nor removed. */
  *unconfirmed(): Iterable<string> {
    for (const [pack, places] of this.#unconfirmed)
      for (const place of places) yield packedRef({ pack, place });
  }

  /** Reads a blob with its trailer. @throws BlobMissing, BlobDamaged, the engine's error. */
  async read(name: PackedName): Promise<Buffer> {
    if (await this.#isRemoved(name)) throw new BlobMissing(packedRef(name));
    return this.#withPack(name, async (file) => {
      const { position, blobBytes } = await findRecord(file, name);
      return file.readAt(position + HEADER_BYTES, blobBytes);
    });
  }

  async #isRemoved({ pack, place }: PackedName): Promise<boolean> {
    for await (const _ of this.#deps.objects.list(removalsPrefix(pack, place))) return true;
    return false;
  }

  /** Runs a task with a pack, again if it is compacted meanwhile. @throws BlobMissing without the pack. */
  async #withPack<Result>(name: PackedName, task: (file: ObjectFile) => Promise<Result>): Promise<Result> {
    const ref = packedRef(name);
    for (let tries = 1; ; tries++) {
      const found = await this.#deps.objects.find(packKey(name.pack));
      if (found === undefined) throw new BlobMissing(ref);
      try {
        return await task(new ObjectFile(this.#deps.objects, found, ref));
      } catch (error) {
        if (!(error instanceof ConditionFailed) || tries === TRIES) throw error;
      }
    }
  }

  /** Notes durably that a blob is removed; `compact` frees its space. @throws the engine's error. */
  async remove(name: PackedName): Promise<void> {
    const blobBytes = await this.#findBytes(name);
    if (blobBytes !== undefined) {
      await this.#deps.objects.put(removalKey(name.pack, name.place, blobBytes), new Uint8Array());
      this.#space.noteRemoval(name.pack);
    }
    this.confirm(name);
  }

  /** Length of a blob; undefined without one. */
  async #findBytes(name: PackedName): Promise<number | undefined> {
    try {
      if (await this.#isRemoved(name)) return undefined;
      return await this.#withPack(name, async (file) => (await findRecord(file, name)).blobBytes);
    } catch (error) {
      if (error instanceof BlobMissing) return undefined;
      // A removal is noted even for a record that cannot be found. It needs a length; any will do.
      if (error instanceof BlobDamaged) return 1;
      throw error;
    }
  }

  /** Every blob that was not removed. @param only of one pack. */
  async *list(only = ''): AsyncIterable<string> {
    for await (const { pack, etag, size, removed } of listPacks(this.#deps.objects, only)) {
      const file = new ObjectFile(this.#deps.objects, { key: packKey(pack), size, etag }, pack);
      for await (const { record } of listExtents(file, pack, 0))
        if (record && !removed.has(record.place)) yield packedRef({ pack, place: record.place });
    }
  }

  /** Rewrites or removes packs of which half is removed. Only in the process that removes blobs. @throws AggregateError. */
  compact(): Promise<void> {
    const { objects, engine } = this.#deps;
    return this.#space.compact(
      () => listPacks(objects, ''),
      async (pack) => {
        for await (const listed of listPacks(objects, pack)) await compactPack(objects, engine, listed);
      },
    );
  }

  /** Waits for what is being stored. */
  async close(): Promise<void> {
    await this.#running;
  }
}

function encodePack(pack: string, group: readonly PendingBlob[]): { bytes: Buffer; places: number[] } {
  const places: number[] = [];
  let end = 0;
  for (const { blobBytes } of group) {
    places.push(end);
    end += recordBytes(blobBytes);
  }
  const bytes = Buffer.alloc(end);
  for (const [i, { pieces, blobBytes }] of group.entries()) {
    const place = places[i] ?? 0;
    encodeHeader(pack, { place, blobBytes }).copy(bytes, place);
    let at = place + HEADER_BYTES;
    for (const piece of pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
  }
  return { bytes, places };
}

/** Lists packs with their removals, which follow them. @param only of one pack. */
export async function* listPacks(objects: Objects, only: string): AsyncGenerator<PackWithRemovals> {
  let current: (PackWithRemovals & { readonly removed: Map<number, number> }) | undefined;
  for await (const { key, size, etag } of objects.list(PACKS + only)) {
    const pack = packOfKey(key);
    if (pack !== undefined) {
      if (current) yield current;
      current = { pack, size, etag, removed: new Map() };
    }
    const removal = parseRemoval(key);
    if (removal && removal.pack === current?.pack) current.removed.set(removal.place, removal.blobBytes);
  }
  if (current) yield current;
}
