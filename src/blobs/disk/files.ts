import { type FileHandle, link, open, opendir, readdir, rename, unlink } from 'node:fs/promises';
import { BlobMissing, type BlobWriter, type Stamp, StoreFailure } from '../../domain/blob-store.ts';
import type { RandomBytes } from '../../domain/ids.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import { BufferedStream } from '../blob/buffered-stream.ts';
import type { PlacedBlob } from '../blob/placed-blob.ts';
import { RunBuffers } from '../blob/run-buffers.ts';
import { type BlobStream, CachedStream, DirectStream, STAGE_BYTES } from '../blob/stream.ts';
import { openDirect, takesDirect } from '../durable/direct-file.ts';
import type { Flush, FolderFlusher } from '../durable/folder-flusher.ts';
import { exists, removeIfPresent } from '../durable/names.ts';
import { type DiskPaths, isBlobName } from './paths.ts';
import { DiskWriter } from './writer.ts';

/** At most 64 MiB: two uploads that never wait, and more where they take turns. */
const WIDE_STAGES = 4;

interface DiskFilesDeps {
  readonly paths: DiskPaths;
  readonly random: RandomBytes;
  readonly engine: HashEngine;
  readonly stamp: Stamp;
  readonly flush: Flush;
  flusher(folder: string): FolderFlusher;
  /** Runs what gives a blob its name; throws once the store takes no more. */
  publishing(publish: () => Promise<void>): Promise<void>;
}

/**
 * Blobs in files of their own: `incoming/NAME` while written, then linked to `blobs/XX/NAME`. The incoming name
 * stays until the catalog's row is durable, so that a start after a crash finds what was whole but never
 * acknowledged without reading every folder.
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
    let file: FileHandle | undefined;
    try {
      file = await open(incoming, 'wx');
      return await this.#writerOf(name, file, size);
    } catch (error) {
      await file?.close().catch(() => {});
      if (file) await unlink(incoming).catch(() => {});
      throw new StoreFailure('a new blob cannot be begun', error);
    }
  }

  async #writerOf(name: string, file: FileHandle, size: number | null): Promise<BlobWriter> {
    const { paths, publishing, stamp } = this.#deps;
    const incoming = paths.incomingBlob(name);
    const { stream, direct } = await this.#streamTo(incoming, file, size);
    return new DiskWriter(file, stream, size, {
      publish: () => publishing(() => this.#publish(name, file)),
      close: async () => {
        await direct?.close();
        await file.close();
      },
      withdraw: () => unlink(incoming).catch(() => {}),
      name,
      stamp,
    });
  }

  /** How the data gets into the file, by its size and by what the disk can do. */
  async #streamTo(
    path: string,
    file: FileHandle,
    size: number | null,
  ): Promise<{ stream: BlobStream; direct?: FileHandle | undefined }> {
    const { engine } = this.#deps;
    if (size !== null && size <= LEAF_BYTES) return { stream: new BufferedStream(engine, size) };
    this.#staging ??= this.#tryDirect();
    const staging = size === null ? undefined : await this.#staging;
    if (staging === undefined) return { stream: new CachedStream(engine, file.fd) };
    const direct = await openDirect(path);
    return { stream: new DirectStream(engine, direct.fd, size ?? 0, staging), direct };
  }

  /** Buffers for writing past the page cache, where both engine and disk are up to it. */
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
    // A name that the next start takes for a half-written blob, should this process die.
    const isTaken = await takesDirect(paths.incomingBlob(random(16).toString('hex')), stage.bytes);
    stage.giveBack();
    return isTaken ? staging : undefined;
  }

  /** The save ritual's second half: flush the bytes, give them their name, flush the name. */
  async #publish(name: string, file: FileHandle): Promise<void> {
    const { paths, flush, flusher } = this.#deps;
    await flush(() => file.datasync());
    await link(paths.incomingBlob(name), paths.blob(name));
    try {
      await flusher(paths.blobFolder(name)).flush();
    } catch (error) {
      await unlink(paths.blob(name)).catch(() => {});
      throw error;
    }
  }

  /** @throws BlobMissing. */
  async open(name: string): Promise<PlacedBlob> {
    const file = await open(this.#deps.paths.blob(name), 'r').catch((error: NodeJS.ErrnoException) => {
      throw error.code === 'ENOENT' ? new BlobMissing(name) : error;
    });
    const { size: total } = await file.stat();
    return { ref: name, file, start: 0, total };
  }

  async remove(name: string): Promise<void> {
    const { paths, flusher } = this.#deps;
    await removeIfPresent(paths.blob(name));
    await removeIfPresent(paths.incomingBlob(name));
    // Also when it was gone: who took it away may have died before this.
    await flusher(paths.blobFolder(name)).flush();
  }

  confirm(name: string): void {
    unlink(this.#deps.paths.incomingBlob(name)).catch(() => {});
  }

  async *unconfirmed(): AsyncIterable<string> {
    const { paths } = this.#deps;
    for (const name of await readdir(paths.incoming)) {
      if (isBlobName(name) && (await exists(paths.blob(name)))) yield name;
    }
  }

  async *list(): AsyncIterable<string> {
    const { paths } = this.#deps;
    for (const folder of await readdir(paths.blobs)) {
      for await (const entry of await opendir(`${paths.blobs}/${folder}`)) yield entry.name;
    }
  }

  /** Moves all blobs to a folder of this name. */
  async clear(to: string): Promise<void> {
    await rename(this.#deps.paths.blobs, to);
  }
}
