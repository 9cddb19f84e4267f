import type { RandomBytes } from '../../domain/ids.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import type { DiskPaths, PackedName } from '../disk/paths.ts';
import { toStoreFailure } from '../disk/store-failure.ts';
import { encodeHeader, HEADER_BYTES, recordBytes } from './format.ts';
import { PackMarker } from './marker.ts';

/** Upper size of a group that is written and flushed together. */
const GROUP_BYTES = 4 * 1024 * 1024;
/**
 * A flush costs the processor as much for one blob as for fifty. So once groups have this many blobs, the next group
 * waits for more, as long as blobs keep arriving and are fewer than in recent groups.
 */
const MANY_AT_A_TIME = 12;
const GATHERING_MS = 1;

interface PendingBlob {
  readonly pieces: readonly Uint8Array[];
  readonly blobBytes: number;
  resolve(name: PackedName): void;
  reject(error: unknown): void;
}

interface OpenPack {
  readonly name: string;
  readonly file: OpenFile;
  readonly marker: PackMarker;
  end: number;
}

interface PackAppenderDeps {
  readonly paths: DiskPaths;
  readonly random: RandomBytes;
  readonly flush: Flush;
  readonly incomingFlusher: FolderFlusher;
  readonly packsFlusher: FolderFlusher;
  /** A pack of at least this many bytes is followed by the next. */
  readonly packBytes: number;
}

/** Appends blobs to this process's pack. Blobs that arrive during a flush share the next one. */
export class PackAppender {
  readonly #deps: PackAppenderDeps;
  #pack: OpenPack | undefined;
  /** Markers of this process's packs that have unconfirmed blobs, and of the open one, by pack. */
  readonly #markers = new Map<string, PackMarker>();
  #queue: PendingBlob[] = [];
  #running: Promise<void> | undefined;
  /** Whether to seal the pack after the group that is being written. */
  #sealsNext = false;
  /** Size of the largest recent group; decays by one with each smaller group. */
  #usualGroup = 0;

  constructor(deps: PackAppenderDeps) {
    this.#deps = deps;
  }

  /**
   * Stores a blob, given in pieces; durable when it resolves.
   * @throws StoreFailure when it cannot be written; that affects no earlier blob.
   */
  append(pieces: readonly Uint8Array[]): Promise<PackedName> {
    const blobBytes = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return new Promise((resolve, reject) => {
      this.#queue.push({ pieces, blobBytes, resolve, reject });
      this.#running ??= this.#drain();
    });
  }

  /** Confirms a blob: the catalog names it, or it is removed, so the next start need not ask. */
  confirm({ pack, place }: PackedName): void {
    this.#markers.get(pack)?.confirm(place);
  }

  /** Whether this process began the pack and still has its marker. */
  owns(pack: string): boolean {
    return this.#markers.has(pack);
  }

  /** Blobs of this process that are neither confirmed nor removed. */
  *unconfirmed(): Iterable<PackedName> {
    for (const [pack, marker] of this.#markers) {
      for (const place of marker.unconfirmed()) yield { pack, place };
    }
  }

  /** Ends the pack after the group being written, if any; the next blob begins another. @throws the I/O error. */
  async seal(): Promise<void> {
    this.#sealsNext = this.#running !== undefined;
    if (!this.#sealsNext) await this.#seal();
  }

  /** Writes what waits, ends the pack and closes its markers. */
  async close(): Promise<void> {
    await this.#running;
    await this.#seal();
    for (const marker of this.#markers.values()) await marker.close();
    this.#markers.clear();
  }

  /** Forgets its packs, before they are deleted; the next blob begins another. */
  async clear(): Promise<void> {
    await this.#running;
    for (const marker of [...this.#markers.values()]) await marker.drop();
    await this.close();
  }

  async #drain(): Promise<void> {
    // Waits one turn of the event loop: blobs that arrived with this one join its flush.
    await new Promise(setImmediate);
    while (this.#queue.length > 0) {
      if (this.#usualGroup >= MANY_AT_A_TIME) await this.#gather();
      const group = this.#nextGroup();
      this.#usualGroup = Math.max(this.#usualGroup - 1, group.length);
      await this.#write(group);
    }
    this.#running = undefined;
  }

  async #gather(): Promise<void> {
    for (let seen = 0; this.#queue.length > seen && this.#queue.length < this.#usualGroup; ) {
      seen = this.#queue.length;
      await new Promise((resolve) => setTimeout(resolve, GATHERING_MS));
    }
  }

  #nextGroup(): PendingBlob[] {
    let count = 0;
    for (let bytes = 0; count < this.#queue.length && bytes < GROUP_BYTES; count++) {
      bytes += recordBytes((this.#queue[count] as PendingBlob).blobBytes);
    }
    return this.#queue.splice(0, count);
  }

  async #write(group: readonly PendingBlob[]): Promise<void> {
    try {
      this.#pack ??= await this.#begin();
      const names = await this.#writeTo(this.#pack, group);
      group.forEach((one, i) => {
        one.resolve(names[i] as PackedName);
      });
      if (this.#sealsNext || this.#pack.end >= this.#deps.packBytes) await this.#seal();
    } catch (error) {
      const failure = toStoreFailure('a blob cannot be stored', error);
      for (const one of group) one.reject(failure);
    }
  }

  /** Writes and flushes the group. @throws the I/O error, after cutting the pack back to its previous end. */
  async #writeTo(pack: OpenPack, group: readonly PendingBlob[]): Promise<PackedName[]> {
    const from = pack.end;
    const pieces: Uint8Array[] = [];
    const names = group.map(({ pieces: blob, blobBytes }) => {
      const place = pack.end;
      const bytes = recordBytes(blobBytes);
      pieces.push(encodeHeader(pack.name, { place, blobBytes }), ...blob);
      pieces.push(new Uint8Array(bytes - HEADER_BYTES - blobBytes));
      pack.end += bytes;
      pack.marker.add(place, pack.end);
      return { pack: pack.name, place };
    });
    try {
      await pack.file.writeAt(from, Buffer.concat(pieces));
      await this.#deps.flush(() => pack.file.flushData());
    } catch (error) {
      await this.#takeBack(pack, from);
      throw error;
    }
    return names;
  }

  /**
   * Cuts off what was not stored. If that fails, ends the pack, and the next start asks about the rest. Never throws.
   */
  async #takeBack(pack: OpenPack, from: number): Promise<void> {
    try {
      await pack.file.truncate(from);
      // Or the bytes could come back after a power cut, and no marker would make a start ask about them.
      await this.#deps.flush(() => pack.file.flushData());
      pack.end = from;
      pack.marker.retract(from);
    } catch {
      await this.#seal().catch(ignoreErrors);
    }
  }

  /** Makes the marker's name durable before the pack's: a start must ask about every unconfirmed blob. */
  async #begin(): Promise<OpenPack> {
    const { paths, random, incomingFlusher, packsFlusher } = this.#deps;
    const name = random(16).toString('hex');
    const marker = await PackMarker.create(paths.fs, paths.marker(name), () => this.#markers.delete(name));
    let file: OpenFile | undefined;
    try {
      await incomingFlusher.flush();
      file = await paths.fs.open(paths.pack(name), 'create');
      await packsFlusher.flush();
      this.#markers.set(name, marker);
      return { name, file, marker, end: 0 };
    } catch (error) {
      await file?.close().catch(ignoreErrors);
      if (file) await paths.fs.remove(paths.pack(name)).catch(ignoreErrors);
      await marker.drop();
      throw error;
    }
  }

  async #seal(): Promise<void> {
    const pack = this.#pack;
    this.#pack = undefined;
    this.#sealsNext = false;
    pack?.marker.seal();
    await pack?.file.close();
  }
}
