/** Reading past the page cache: a scrub must see what the disk holds, and must not push out what requests use. */
import { refusesDirect, undefinedIfMissing } from '../../durable/errors.ts';
import type { FileSystem, OpenFile } from '../../durable/file-system.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import { BufferPool } from './buffer-pool.ts';

/** Bytes of one read: long enough to keep a disk busy, and four leaves, which are hashed together. */
export const RUN_BYTES = 4 * LEAF_BYTES;
/** A multiple of every device's block size. */
const ALIGN_BYTES = 4096;
const BUFFERS_KEPT = 4;

/** Opens files of one store for reading past the page cache, or through it where that is refused. */
export class DirectFiles {
  readonly fs: FileSystem;
  readonly engine: HashEngine;
  /** Of `RUN_BYTES`, aligned. */
  readonly buffers: BufferPool;
  #isDirect: boolean;

  constructor(fs: FileSystem, engine: HashEngine) {
    this.fs = fs;
    this.engine = engine;
    const make = engine.alignedBuffer?.bind(engine);
    this.#isDirect = make !== undefined;
    const later = (ms: number, run: () => void) => void setTimeout(run, ms).unref();
    this.buffers = new BufferPool(RUN_BYTES, BUFFERS_KEPT, make ?? Buffer.allocUnsafeSlow, later);
  }

  /** Whether reads go past the page cache: not without aligned memory, nor once the file system has refused it. */
  get isDirect(): boolean {
    return this.#isDirect;
  }

  /** Undefined where there is no such file. @throws the I/O error. */
  async open(path: string): Promise<DirectFile | undefined> {
    const file = await this.openRaw(path).catch(undefinedIfMissing);
    if (file === undefined) return undefined;
    try {
      return new DirectFile(this, path, file, await file.size());
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Called by its files. @throws the I/O error. */
  async openRaw(path: string): Promise<OpenFile> {
    if (!this.#isDirect) return this.fs.open(path, 'read');
    try {
      return await this.fs.open(path, 'read-direct');
    } catch (error) {
      if (!refusesDirect(error)) throw error;
      this.#isDirect = false;
      return this.fs.open(path, 'read');
    }
  }

  /** Called by its files when a read past the cache is refused. */
  giveUpDirect(): void {
    this.#isDirect = false;
  }
}

/** A file as it was when it was opened. Has one caller at a time. */
export class DirectFile {
  readonly #files: DirectFiles;
  readonly #path: string;
  #file: OpenFile;
  /** Its length in bytes when it was opened. */
  readonly size: number;

  constructor(files: DirectFiles, path: string, file: OpenFile, size: number) {
    this.#files = files;
    this.#path = path;
    this.#file = file;
    this.size = size;
  }

  /**
   * Reads into aligned memory.
   * @param position aligned. @param target of aligned length; beyond `least` it may stay as it was.
   * @returns bytes read; below `least` only where the file ends. @throws the I/O error.
   */
  readRun(position: number, target: Buffer, least: number): Promise<number> {
    return this.#orCached(() => this.#file.readInto(position, target, least));
  }

  /** Reads any bytes; fewer only where the file ends. @throws the I/O error. */
  async readAt(position: number, length: number): Promise<Buffer> {
    const end = Math.max(position, Math.min(this.size, position + length));
    const bytes = Buffer.allocUnsafe(end - position);
    const buffer = this.#files.buffers.take();
    try {
      for (let at = position; at < end; ) {
        const from = alignDown(at);
        const least = Math.min(end - from, RUN_BYTES);
        const read = await this.readRun(from, buffer.subarray(0, alignUp(least)), least);
        if (read < least) return bytes.subarray(0, Math.max(0, from + read - position));
        buffer.copy(bytes, at - position, at - from, least);
        at = from + least;
      }
      return bytes;
    } finally {
      this.#files.buffers.give(buffer);
    }
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  /** Some file systems open a file past the cache and refuse only the read. */
  async #orCached<Result>(read: () => Promise<Result>): Promise<Result> {
    try {
      return await read();
    } catch (error) {
      if (!this.#files.isDirect || !refusesDirect(error)) throw error;
      this.#files.giveUpDirect();
      const direct = this.#file;
      this.#file = await this.#files.openRaw(this.#path);
      await direct.close();
      return read();
    }
  }
}

/** The next multiple of the block size. */
export function alignUp(bytes: number): number {
  return Math.ceil(bytes / ALIGN_BYTES) * ALIGN_BYTES;
}

/** The last multiple of the block size that is not greater. */
export function alignDown(position: number): number {
  return position - (position % ALIGN_BYTES);
}
