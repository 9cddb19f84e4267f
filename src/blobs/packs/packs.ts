import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { Gate } from '../disk/gate.ts';
import { type DiskPaths, type PackedName, packedRef, packOfFile } from '../disk/paths.ts';
import { PackAppender } from './appender.ts';
import { PackCompactor } from './compactor.ts';
import { openPacked } from './file.ts';
import type { PackRecord } from './format.ts';
import { listRemaining } from './remaining.ts';
import { PackRemovals } from './removals.ts';
import { UnconfirmedBlobs } from './unconfirmed.ts';

interface PacksDeps {
  readonly paths: DiskPaths;
  readonly random: RandomBytes;
  readonly flush: Flush;
  flusher(folder: string): FolderFlusher;
  /** A pack that is at least so long is followed by the next. */
  readonly packBytes: number;
}

/** Small blobs, many in a file. */
export class Packs {
  readonly #paths: DiskPaths;
  readonly #appender: PackAppender;
  readonly #removals: PackRemovals;
  readonly #unconfirmed: UnconfirmedBlobs;
  readonly #compactor: PackCompactor;
  /** What notes removals is inside; what writes a pack again, and then forgets its list, is alone. */
  readonly #removing = new Gate();

  constructor({ paths, random, flush, flusher, packBytes }: PacksDeps) {
    this.#paths = paths;
    const flushers = { incomingFlusher: flusher(paths.incoming), packsFlusher: flusher(paths.packs) };
    this.#appender = new PackAppender({ paths, random, flush, ...flushers, packBytes });
    const removals = new PackRemovals({ paths, flush, packsFlusher: flushers.packsFlusher });
    this.#removals = removals;
    const owns = (pack: string) => this.#appender.owns(pack);
    this.#unconfirmed = new UnconfirmedBlobs({ paths, removals, owns });
    const alone = (task: () => Promise<void>) => this.#removing.runExclusive(task);
    this.#compactor = new PackCompactor({ paths, flush, ...flushers, removals, alone });
  }

  /** Keeps a blob, given in pieces; gives its reference. @throws StoreFailure. */
  async append(pieces: readonly Uint8Array[]): Promise<string> {
    return packedRef(await this.#appender.append(pieces));
  }

  /** @throws BlobMissing, BlobDamaged. */
  open(name: PackedName): Promise<PlacedBlob> {
    return openPacked(this.#paths, name);
  }

  confirm(name: PackedName): void {
    this.#appender.confirm(name);
  }

  /** Notes durably that the blob is gone; its room is given back by `compact`. @throws the I/O error. */
  async remove(name: PackedName): Promise<void> {
    await this.#removing.runShared(async () => {
      const record = await this.#findRecord(name);
      if (record !== undefined) await this.#removals.add(name.pack, record);
      // Who noted it, or took the pack away, may have died before that was flushed.
      else await this.#removals.flush(name.pack);
    });
    this.#appender.confirm(name);
  }

  async #findRecord(name: PackedName): Promise<PackRecord | undefined> {
    try {
      const { file, total } = await this.open(name);
      await file.close();
      return { place: name.place, blobBytes: total };
    } catch (error) {
      if (error instanceof BlobMissing) return undefined;
      // A record that cannot be found is removed all the same: it needs a length, and any will do.
      if (error instanceof BlobDamaged) return { place: name.place, blobBytes: 1 };
      throw error;
    }
  }

  /** Every blob, in no order. */
  async *list(): AsyncIterable<string> {
    for await (const entry of await this.#paths.disk.list(this.#paths.packs)) {
      const pack = packOfFile(entry.name);
      if (pack === undefined) continue;
      for await (const { blob } of listRemaining(this.#paths, pack, 0)) if (blob) yield blob.ref;
    }
  }

  /** Blobs that the catalog may not know: of this process, and of those that ended without judging them. */
  async *unconfirmed(): AsyncIterable<string> {
    for (const name of this.#appender.unconfirmed()) yield packedRef(name);
    yield* this.#unconfirmed.list();
  }

  /**
   * Says that all that was unconfirmed has been judged. To be called when no other process writes.
   * @returns packs that cannot be read: they stay in question. @throws the I/O error.
   */
  confirmAll(): Promise<readonly string[]> {
    return this.#unconfirmed.confirmAll();
  }

  /**
   * To be called in one process at a time, the one that removes blobs.
   * @param writing runs what writes a pack again. @throws AggregateError.
   */
  compact(writing: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    return this.#compactor.compact(writing);
  }

  /** Ends the pack that is written to; the next blob begins another. */
  seal(): Promise<void> {
    return this.#appender.seal();
  }

  /** Moves all packs to a folder of this name and begins anew. */
  async clear(to: string): Promise<void> {
    await this.#appender.clear();
    this.#removals.clear();
    this.#compactor.clear();
    const { disk, packs } = this.#paths;
    await disk.rename(packs, to);
    await disk.makeFolder(packs);
  }

  close(): Promise<void> {
    return this.#appender.close();
  }
}
