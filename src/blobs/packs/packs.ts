import { BlobDamaged, BlobMissing } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { BlobVerdict } from '../../domain/scrub-store.ts';
import { isReadError } from '../../durable/errors.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import type { JudgeDeps } from '../blob/judge.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { Gate } from '../disk/gate.ts';
import { type DiskPaths, type PackedName, packedRef, packOfFile } from '../disk/paths.ts';
import { PackAppender } from './appender.ts';
import { PackCompactor } from './compactor.ts';
import { openPacked } from './file.ts';
import type { PackRecord } from './format.ts';
import { listRemaining } from './remaining.ts';
import { PackRemovals } from './removals.ts';
import { judgePacked } from './scan.ts';
import { UnconfirmedBlobs } from './unconfirmed.ts';

/** A pack is compacted at most once in a while, so its blob is found in the second try. */
const VERIFY_TRIES = 3;

interface PacksDeps {
  readonly paths: DiskPaths;
  readonly random: RandomBytes;
  /** Hashes what a compaction copies. */
  readonly engine: HashEngine;
  readonly flush: Flush;
  flusher(folder: string): FolderFlusher;
  /** A pack of at least this many bytes is followed by the next. */
  readonly packBytes: number;
}

/** Small blobs, many in a file. */
export class Packs {
  readonly #paths: DiskPaths;
  readonly #appender: PackAppender;
  readonly #removals: PackRemovals;
  readonly #unconfirmed: UnconfirmedBlobs;
  readonly #compactor: PackCompactor;
  /** Shared by removals; exclusive for rewriting a pack and dropping its list. */
  readonly #removing = new Gate();

  constructor({ paths, random, engine, flush, flusher, packBytes }: PacksDeps) {
    this.#paths = paths;
    const flushers = { incomingFlusher: flusher(paths.incoming), packsFlusher: flusher(paths.packs) };
    this.#appender = new PackAppender({ paths, random, flush, ...flushers, packBytes });
    const removals = new PackRemovals({ paths, flush, packsFlusher: flushers.packsFlusher });
    this.#removals = removals;
    const owns = (pack: string) => this.#appender.owns(pack);
    this.#unconfirmed = new UnconfirmedBlobs({ paths, removals, flush, owns });
    const alone = (task: () => Promise<void>) => this.#removing.runExclusive(task);
    this.#compactor = new PackCompactor({ paths, engine, flush, ...flushers, removals, alone });
  }

  /** Stores a blob, given in pieces, and returns its reference; durable when it resolves. @throws StoreFailure. */
  async append(pieces: readonly Uint8Array[]): Promise<string> {
    return packedRef(await this.#appender.append(pieces));
  }

  /** @throws BlobMissing, BlobDamaged. */
  open(name: PackedName): Promise<PlacedBlob> {
    return openPacked(this.#paths, name);
  }

  /** Judges a blob. @throws BlobMissing, the I/O error. */
  async verify(deps: JudgeDeps, name: PackedName): Promise<BlobVerdict> {
    const ref = packedRef(name);
    try {
      for (let tries = 1; tries <= VERIFY_TRIES; tries++) {
        const placed = await this.open(name);
        await placed.file.close();
        // Undefined if the pack was compacted meanwhile.
        const verdict = await judgePacked({ ...deps, paths: this.#paths }, name, placed);
        if (verdict) return verdict;
      }
    } catch (error) {
      if (isReadError(error)) return { ref, description: null, damage: [{ leaf: null, kind: 'unreadable' }] };
      if (!(error instanceof BlobDamaged)) throw error;
    }
    return { ref, description: null, damage: [{ leaf: null, kind: 'description' }] };
  }

  confirm(name: PackedName): void {
    this.#appender.confirm(name);
  }

  /** Removes a blob durably; `compact` frees its space. @throws the I/O error. */
  async remove(name: PackedName): Promise<void> {
    await this.#removing.runShared(async () => {
      const record = await this.#findRecord(name);
      if (record !== undefined) await this.#removals.add(name.pack, record);
      // The process that recorded the removal, or deleted the pack, may have died before flushing that.
      else await this.#removals.repeat(name);
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
      // A removal is recorded even for a record that cannot be found. It needs a length; any will do.
      if (error instanceof BlobDamaged) return { place: name.place, blobBytes: 1 };
      throw error;
    }
  }

  /** All blobs, in no particular order. */
  async *list(): AsyncIterable<string> {
    for await (const entry of await this.#paths.fs.list(this.#paths.packs)) {
      const pack = packOfFile(entry.name);
      if (pack === undefined) continue;
      for await (const { blob } of listRemaining(this.#paths, pack, 0)) if (blob) yield blob.ref;
    }
  }

  /** Unconfirmed blobs: of this process, and of earlier ones that ended before confirming them. */
  async *unconfirmed(): AsyncIterable<string> {
    for (const name of this.#appender.unconfirmed()) yield packedRef(name);
    yield* this.#unconfirmed.list();
  }

  /**
   * Confirms all packs that earlier processes left. Call it while no other process writes.
   * @param unsettled references of `unconfirmed` that must be asked about again.
   * @returns packs that cannot be read, and stay unconfirmed. @throws the I/O error.
   */
  confirmAll(unsettled?: ReadonlySet<string>): Promise<readonly string[]> {
    return this.#unconfirmed.confirmAll(unsettled);
  }

  /**
   * Compacts packs. Only the process that removes blobs may call this.
   * @param writing runs the rewriting of a pack. @throws AggregateError.
   */
  compact(writing: (task: () => Promise<void>) => Promise<void>): Promise<void> {
    return this.#compactor.compact(writing);
  }

  /** Ends the current pack; the next blob begins another. */
  seal(): Promise<void> {
    return this.#appender.seal();
  }

  /** Moves all packs to a folder of this name and starts over. */
  async clear(to: string): Promise<void> {
    await this.#appender.clear();
    this.#removals.clear();
    this.#compactor.clear();
    const { fs, packs } = this.#paths;
    await fs.rename(packs, to);
    await fs.makeFolder(packs);
  }

  close(): Promise<void> {
    return this.#appender.close();
  }
}
