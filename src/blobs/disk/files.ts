import { BlobMissing, type BlobWriter, type Stamp, StoreFailure } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import { takesDirect } from '../../durable/direct.ts';
import { ignoreErrors } from '../../durable/errors.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import type { Flush, FolderFlusher } from '../../durable/folder-flusher.ts';
import { exists, openIfPresent, removeIfPresent } from '../../durable/names.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import { BufferedStream } from '../blob/buffered-stream.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { RunBuffers } from '../blob/run-buffers.ts';
import { type BlobStream, CachedStream, DirectStream, STAGE_BYTES } from '../blob/stream.ts';
import { type DiskPaths, isBlobName } from './paths.ts';
import { DiskWriter } from './writer.ts';

/** Number of wide write buffers, at most 64 MiB in all: two uploads never wait for one, more take turns. */
const WIDE_STAGES = 4;

/** The second name of a file, which makes it a stored blob. */
interface BlobLink {
  /** Whether the disk may have it. */
  mayExist: boolean;
}

interface DiskFilesDeps {
  readonly paths: DiskPaths;
  readonly random: RandomBytes;
  readonly engine: HashEngine;
  readonly stamp: Stamp;
  readonly flush: Flush;
  flusher(folder: string): FolderFlusher;
  /** Runs the step that gives a blob its name. @throws StoreFailure once the store refuses writes. */
  publishing(publish: () => Promise<void>): Promise<void>;
}

/**
 * Blobs in files of their own: `incoming/NAME` while written, then linked to `blobs/XX/NAME`. The incoming name stays
 * until the catalog's row is durable: after a crash, a start finds unacknowledged blobs there without reading every
 * folder.
 */
export class DiskFiles {
  readonly #deps: DiskFilesDeps;
  #staging: Promise<RunBuffers | undefined> | undefined;

  constructor(deps: DiskFilesDeps) {
    this.#deps = deps;
  }

  /** @param size bytes to come; null if not known. @throws StoreFailure. */
  async create(size: number | null): Promise<BlobWriter> {
    const { paths, random } = this.#deps;
    const name = random(16).toString('hex');
    const incoming = paths.incomingBlob(name);
    let file: OpenFile | undefined;
    try {
      file = await paths.fs.open(incoming, 'create');
      return await this.#writerOf(name, file, size);
    } catch (error) {
      await file?.close().catch(ignoreErrors);
      if (file) await paths.fs.remove(incoming).catch(ignoreErrors);
      throw new StoreFailure('a new blob cannot be begun', error);
    }
  }

  async #writerOf(name: string, file: OpenFile, size: number | null): Promise<BlobWriter> {
    const { paths, publishing, stamp } = this.#deps;
    const incoming = paths.incomingBlob(name);
    const link: BlobLink = { mayExist: false };
    const { stream, direct } = await this.#streamTo(incoming, file, size);
    return new DiskWriter(file, stream, size, {
      publish: () => publishing(() => this.#publish(name, file, link)),
      close: async () => {
        await direct?.close();
        await file.close();
      },
      // While the blob may have its own name, the incoming one makes the next start ask about it.
      withdraw: async () => {
        if (!link.mayExist) await paths.fs.remove(incoming).catch(ignoreErrors);
      },
      name,
      stamp,
    });
  }

  /** Chooses how to write the data, by its size and by what the disk can do. */
  async #streamTo(
    path: string,
    file: OpenFile,
    size: number | null,
  ): Promise<{ stream: BlobStream; direct?: OpenFile | undefined }> {
    const { engine, paths } = this.#deps;
    if (size !== null && size <= LEAF_BYTES) return { stream: new BufferedStream(engine, size) };
    this.#staging ??= this.#tryDirect();
    const staging = size === null ? undefined : await this.#staging;
    if (staging === undefined) return { stream: new CachedStream(engine, file) };
    const direct = await paths.fs.open(path, 'direct');
    return { stream: new DirectStream(engine, direct, size ?? 0, staging), direct };
  }

  /** Makes buffers for writing past the page cache, if engine and disk support that. */
  async #tryDirect(): Promise<RunBuffers | undefined> {
    const { paths, random, engine } = this.#deps;
    const make = engine.alignedBuffer?.bind(engine);
    if (make === undefined) return undefined;
    const lengths = {
      narrow: STAGE_BYTES / LEAF_BYTES,
      wide: engine.pairLeavesAtOnce,
      wideBuffers: WIDE_STAGES,
    };
    const staging = new RunBuffers(lengths, make);
    const stage = staging.take(STAGE_BYTES);
    // Named like a half-written blob: if this process dies now, the next start removes it.
    const trial = paths.incomingBlob(random(16).toString('hex'));
    const isTaken = await takesDirect(paths.fs, trial, stage.bytes);
    stage.giveBack();
    return isTaken ? staging : undefined;
  }

  /** Flushes the bytes and the incoming name, gives them their own name, flushes that. */
  async #publish(name: string, file: OpenFile, link: BlobLink): Promise<void> {
    const { paths, flush, flusher } = this.#deps;
    // Both at once: they wait for the same journal of the file system. The incoming name must not be lost once the blob
    // has its own, or no start would ask about it.
    await Promise.all([flush(() => file.flushData()), flusher(paths.incoming).flush()]);
    await paths.fs.link(paths.incomingBlob(name), paths.blob(name));
    link.mayExist = true;
    try {
      await flusher(paths.blobFolder(name)).flush();
    } catch (error) {
      await this.#unlink(name, link).catch(ignoreErrors);
      throw error;
    }
  }

  /** Takes the blob's own name away again, durably. */
  async #unlink(name: string, link: BlobLink): Promise<void> {
    const { paths, flusher } = this.#deps;
    await removeIfPresent(paths.fs, paths.blob(name));
    await flusher(paths.blobFolder(name)).flush();
    link.mayExist = false;
  }

  /** @throws BlobMissing. */
  async open(name: string): Promise<PlacedBlob> {
    const { paths } = this.#deps;
    const file = await openIfPresent(paths.fs, paths.blob(name));
    if (file === undefined) throw new BlobMissing(name);
    try {
      return { ref: name, file, start: 0, total: await file.size() };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    const { paths, flusher } = this.#deps;
    await removeIfPresent(paths.fs, paths.blob(name));
    // Also if it was gone: the process that removed it may have died before this flush.
    await flusher(paths.blobFolder(name)).flush();
    // Last: while the blob may come back after a crash, its start must ask about it.
    await removeIfPresent(paths.fs, paths.incomingBlob(name));
  }

  confirm(name: string): void {
    const { paths } = this.#deps;
    paths.fs.remove(paths.incomingBlob(name)).catch(ignoreErrors);
  }

  async *unconfirmed(): AsyncIterable<string> {
    const { paths } = this.#deps;
    for (const name of await paths.fs.names(paths.incoming)) {
      if (isBlobName(name) && (await exists(paths.fs, paths.blob(name)))) yield name;
    }
  }

  async *list(): AsyncIterable<string> {
    const { paths } = this.#deps;
    for (const folder of await paths.fs.names(paths.blobs)) {
      for await (const entry of await paths.fs.list(`${paths.blobs}/${folder}`)) yield entry.name;
    }
  }

  /** Moves all blobs to a folder of this name. */
  async clear(to: string): Promise<void> {
    const { paths } = this.#deps;
    await paths.fs.rename(paths.blobs, to);
  }
}
