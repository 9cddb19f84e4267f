import { BlobMissing } from '../../domain/blob-store.ts';
import type { HashEngine, HashedRead } from '../../hashing/hash-engine.ts';
import type { ReadableFile } from '../packs/index.ts';
import type { ListedObject, Objects } from './objects.ts';

/** An object in place of an open file. */
export class ObjectFile implements ReadableFile {
  readonly #objects: Objects;
  readonly #found: ListedObject;
  readonly #ref: string;

  /** @param found as it was when the file was opened. @param ref for errors. */
  constructor(objects: Objects, found: ListedObject, ref: string) {
    this.#objects = objects;
    this.#found = found;
    this.#ref = ref;
  }

  async size(): Promise<number> {
    return this.#found.size;
  }

  /**
   * Reads `length` bytes at `position`; fewer only where the object ends.
   * @throws BlobMissing when the object is gone, ConditionFailed when it was replaced, the engine's error.
   */
  async readAt(position: number, length: number): Promise<Buffer> {
    const { key, size, etag } = this.#found;
    const wanted = Math.max(0, Math.min(length, size - position));
    const bytes = await this.#objects.read(key, position, wanted, etag);
    if (bytes === undefined) throw new BlobMissing(this.#ref);
    return bytes;
  }
}

/** The data of a blob in an object of its own, which never changes. */
export class DataFile {
  readonly #objects: Objects;
  readonly #key: string;
  readonly #ref: string;

  constructor(objects: Objects, key: string, ref: string) {
    this.#objects = objects;
    this.#key = key;
    this.#ref = ref;
  }

  /** Fills `target` from `position` and hashes its leaves. @throws BlobMissing, the engine's error. */
  async readAndHash(engine: HashEngine, position: number, target: Uint8Array): Promise<HashedRead> {
    const bytes = await this.#objects.read(this.#key, position, target.length);
    if (bytes === undefined) throw new BlobMissing(this.#ref);
    target.set(bytes);
    return { bytesRead: bytes.length, leaves: await engine.hashLeaves(target.subarray(0, bytes.length)) };
  }
}

/** A file whose bytes are in memory. */
export function memoryFile(bytes: Buffer): ReadableFile {
  return {
    size: async () => bytes.length,
    readAt: async (position, length) => bytes.subarray(position, position + length),
  };
}
