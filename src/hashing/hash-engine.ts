/**
 * What the server needs of SHA-256: the two hashes that the protocol demands of every byte, and leaves alone.
 * Two engines do it: `native-hash.ts` with the SHA instructions of the processor, off the main thread, and
 * `node-hash.ts` with node:crypto where the native one cannot be had. Same results, same errors.
 *
 * Bytes handed to an asynchronous method must stay as they are until its promise settles: not be written to,
 * and their ArrayBuffer not be transferred or resized. Methods that return a promise never throw: misuse is a
 * rejection too.
 */

/** Makes hashes; keeps nothing between calls, so one serves the whole process. */
export interface HashEngine {
  /** For the log: what does the work. */
  readonly name: string;
  /** Whether the asynchronous methods leave the main thread free while they hash. */
  readonly offMainThread: boolean;
  /** How many whole leaves handed over together are hashed in the least time for each: 1 to 16. */
  readonly leavesAtOnce: number;
  /**
   * How many whole leaves handed over together to a PairHasher, in one buffer and from the boundary of a leaf, are
   * hashed in the least time for each: 1 or 16.
   */
  readonly pairLeavesAtOnce: number;

  /** Both hashes of one stream of bytes. */
  createPairHasher(): PairHasher;

  /**
   * So many zeros, 1 to 2^30, in memory that begins at a page, as files that are written past the page cache need
   * it. Absent where the engine cannot give it.
   */
  alignedBuffer?(bytes: number): Buffer;

  /**
   * Hands memory that is freed back to the system, which the C library does by itself only for what lies at its end. It
   * takes some 10 ms for each 100 MiB. Absent where the engine or the C library cannot do it.
   */
  readonly giveBackMemory?: (() => void) | undefined;

  /** SHA-256 of each MiB of `bytes`: n × 32 bytes, n ≥ 1. Up to 1 MiB that is simply SHA-256. */
  hashLeavesSync(bytes: Uint8Array): Buffer;

  /** As `hashLeavesSync`, on the thread pool. */
  hashLeaves(bytes: Uint8Array): Promise<Buffer>;

  /**
   * Fills `target` from the file at `position` and hashes the leaves of what was read, the first beginning
   * at the first byte of `target`: one job for both. Reads less only where the file ends.
   * @param target none of `alignedBuffer` in a thread that may be ended meanwhile: their memory goes with the thread.
   * @throws Error as of node:fs (`code`, `errno`, `syscall`) when the file cannot be read.
   */
  readAndHash(fd: number, position: number, target: Uint8Array): Promise<HashedRead>;
}

/** What `readAndHash` read. */
export interface HashedRead {
  readonly bytesRead: number;
  /** Of the bytes read: n × 32 bytes, n ≥ 1. */
  readonly leaves: Buffer;
}

/**
 * The linear hash and the leaves of a stream that comes in buffers of any size. One update at a time; a
 * second one meanwhile, or `digest`, fails with `ERR_HASHER_BUSY`. After `digest` or a failed write
 * everything fails with `ERR_HASHER_SPENT`.
 */
export interface PairHasher {
  /** Takes the next bytes; the buffers may be used again at once. */
  updateSync(buffers: readonly Uint8Array[]): void;

  /** Takes the next bytes, on the thread pool. */
  update(buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * Writes the buffers to the file, the first byte at `position`, all of them or none counted, and takes
   * them as the next bytes: one job for both. Nothing is flushed.
   * @throws Error as of node:fs (`code`, `errno`, `syscall`) when the file cannot be written: a part may have
   * been; the hasher is spent.
   */
  writeAndHash(fd: number, position: number, buffers: readonly Uint8Array[]): Promise<void>;

  /** Ends the stream. */
  digest(): PairDigest;
}

/** The hashes of a whole stream. */
export interface PairDigest {
  /** SHA-256 of all bytes, 32 bytes. */
  readonly linear: Buffer;
  /** SHA-256 of each MiB in order, n × 32 bytes, n ≥ 1; no bytes have one leaf, the empty one. */
  readonly leaves: Buffer;
}
