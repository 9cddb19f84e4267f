/**
 * SHA-256 as the server needs it: the linear and the tree hash of streams, and the hashes of leaves. There are two
 * engines: `native-hash.ts` uses the processor's SHA instructions, off the main thread; `node-hash.ts` uses node:crypto
 * where the native one is unavailable. Both give the same results and the same errors.
 *
 * Bytes passed to an asynchronous method must not change until its promise settles, and their ArrayBuffer must not be
 * transferred or resized. Methods that return a promise never throw: misuse is a rejection, too.
 */

/** Makes hashes. Keeps no state between calls, so one engine serves the whole process. */
export interface HashEngine {
  /** What does the work; for the log. */
  readonly name: string;
  /** Whether the asynchronous methods leave the main thread free while they hash. */
  readonly offMainThread: boolean;
  /** Number of whole leaves, passed together, that take the least time for each: 1 to 16. */
  readonly leavesAtOnce: number;
  /**
   * Number of whole leaves, passed together to a PairHasher in one buffer that begins at a leaf, that take the least
   * time for each: 1 or 16.
   */
  readonly pairLeavesAtOnce: number;

  /** Makes a hasher for both hashes of one stream. */
  createPairHasher(): PairHasher;

  /**
   * Allocates 1 to 2^30 zero bytes in page-aligned memory, as writing past the page cache needs it. Absent where the
   * engine cannot do so.
   */
  alignedBuffer?(bytes: number): Buffer;

  /**
   * Returns freed memory to the system; by itself, the C library does so only for memory at the end of its heap. Takes
   * some 10 ms for each 100 MiB. Absent where the engine or the C library cannot do so.
   */
  readonly giveBackMemory?: (() => void) | undefined;

  /** SHA-256 of each MiB of `bytes`: n × 32 bytes, n ≥ 1. For up to 1 MiB, that is SHA-256. */
  hashLeavesSync(bytes: Uint8Array): Buffer;

  /** Like `hashLeavesSync`, on the thread pool. */
  hashLeaves(bytes: Uint8Array): Promise<Buffer>;

  /**
   * Fills `target` from the file at `position` and hashes its leaves, in one job. The first leaf begins at the first
   * byte of `target`. Reads less only where the file ends.
   * @param target not from `alignedBuffer` in a worker thread that may end meanwhile: such memory is freed with the
   * thread.
   * @throws Error as of node:fs (`code`, `errno`, `syscall`) when the file cannot be read.
   */
  readAndHash(fd: number, position: number, target: Uint8Array): Promise<HashedRead>;
}

/** What `readAndHash` read. */
export interface HashedRead {
  readonly bytesRead: number;
  /** Hashes of the bytes read: n × 32 bytes, n ≥ 1. */
  readonly leaves: Buffer;
}

/**
 * Computes the linear hash and the leaves of a stream that arrives in buffers of any size. Takes one update at a time:
 * during it, every other call fails with `ERR_HASHER_BUSY`. After `digest` or a failed write, every call fails with
 * `ERR_HASHER_SPENT`.
 */
export interface PairHasher {
  /** Takes the next bytes; the caller may reuse the buffers at once. */
  updateSync(buffers: readonly Uint8Array[]): void;

  /** Takes the next bytes, on the thread pool. */
  update(buffers: readonly Uint8Array[]): Promise<void>;

  /**
   * Writes all the buffers to the file, the first byte at `position`, and takes them as the next bytes, in one job.
   * Flushes nothing.
   * @throws Error as of node:fs (`code`, `errno`, `syscall`) when the file cannot be written. Some bytes may be written
   * then, and the hasher is spent.
   */
  writeAndHash(fd: number, position: number, buffers: readonly Uint8Array[]): Promise<void>;

  /** Ends the stream and returns its hashes. */
  digest(): PairDigest;
}

/** The hashes of a whole stream. */
export interface PairDigest {
  /** SHA-256 of all bytes, 32 bytes. */
  readonly linear: Buffer;
  /** SHA-256 of each MiB in order, n × 32 bytes, n ≥ 1; an empty stream has one empty leaf. */
  readonly leaves: Buffer;
}
