import type { HashEngine, HashedRead, PairHasher } from '../hashing/hash-engine.ts';

/**
 * How a file is opened:
 * - `read`: for reading; a folder too, so that its names can be flushed.
 * - `create`: for writing; fails with EEXIST where the name is taken.
 * - `append`: for writing at its end; made if missing.
 * - `direct`: for writing past the page cache; made if missing. Memory, positions and lengths of its writes must be
 *   multiples of 4096. Some file systems refuse to open such a file, others to write to it (`takesDirect` finds out).
 * - `read-direct`: for reading past the page cache, under the same conditions, and refused in the same ways.
 */
export type OpenMode = 'read' | 'create' | 'append' | 'direct' | 'read-direct';

/**
 * The file system as durable files need it: `realFileSystem`, or one that a test or a simulator makes. Every method rejects
 * with an error as of node:fs (`code`, `errno`, `syscall`). Nothing survives a power cut until it is flushed: contents
 * with the file, names with the folder that holds them.
 */
export interface FileSystem {
  /** @param permissions of a file that is made; 0o666 by default. */
  open(path: string, mode: OpenMode, permissions?: number): Promise<OpenFile>;
  /** All bytes of a file. */
  readFile(path: string): Promise<Buffer>;
  /** The lines of a text file, without their ends. */
  readLines(path: string): AsyncIterable<string>;
  stat(path: string): Promise<{ readonly size: number }>;
  link(from: string, to: string): Promise<void>;
  /** Replaces what is at `to`. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** Removes a folder with all that is in it; succeeds where there is none. */
  removeTree(path: string): Promise<void>;
  /** Makes a folder and those above it; succeeds where it exists. */
  makeFolder(path: string): Promise<void>;
  /** All names in a folder. */
  names(path: string): Promise<string[]>;
  /** The names in a folder one by one, for folders of any size. */
  list(path: string): Promise<AsyncIterable<{ readonly name: string }>>;
}

/** An open file. Positions and lengths are bytes. */
export interface OpenFile {
  size(): Promise<number>;
  /** Reads `length` bytes at `position`; fewer only where the file ends. */
  readAt(position: number, length: number): Promise<Buffer>;
  /**
   * Fills `target` from `position` on. Stops when `least` bytes are there: a read past the page cache that ended with
   * the file cannot continue. Resolves with the number of bytes read; below `least` only where the file ends.
   */
  readInto(position: number, target: Uint8Array, least: number): Promise<number>;
  /** Writes all the bytes at `position`. After an error some of them may be written. */
  writeAt(position: number, bytes: Uint8Array): Promise<void>;
  /** Writes a whole small file. */
  writeWhole(text: string): Promise<void>;
  /** Appends the text. After an error some of it may be written. */
  append(text: string): Promise<void>;
  /**
   * Appends with a single write, so that appends of several processes never mix. Resolves with the number of bytes that
   * the disk took.
   */
  appendOnce(bytes: Uint8Array): Promise<number>;
  truncate(length: number): Promise<void>;
  /** Makes the contents durable, together with the metadata needed to read them. */
  flushData(): Promise<void>;
  /** Makes contents and metadata durable; of a folder, its names. */
  flush(): Promise<void>;
  /** Reads and hashes in one job: see `HashEngine.readAndHash`. */
  readAndHash(engine: HashEngine, position: number, target: Uint8Array): Promise<HashedRead>;
  /** Writes and hashes in one job: see `PairHasher.writeAndHash`. */
  writeAndHash(hasher: PairHasher, position: number, buffers: readonly Uint8Array[]): Promise<void>;
  close(): Promise<void>;
}
