import { BlobDamaged, type LeafRun } from '../../domain/blob-store.ts';
import type { OpenFile } from '../../durable/file-system.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { LEAF_BYTES } from '../../treehash/index.ts';
import type { ReadSemaphore } from './read-semaphore.ts';
import type { RunBuffer, RunBuffers } from './run-buffers.ts';

/** How many runs are read ahead while one is being sent, if memory allows. */
const RUNS_AHEAD = 2;

/** Shared by all readers of a store. */
export interface LeafReadDeps {
  readonly engine: HashEngine;
  readonly buffers: RunBuffers;
  readonly turns: ReadSemaphore;
}

/** A blob's data in a file that is open for reading. */
interface BlobBytes {
  readonly ref: string;
  readonly file: Pick<OpenFile, 'readAndHash'>;
  /** Where its data begins in the file. */
  readonly start: number;
  /** Bytes of its data. */
  readonly size: number;
}

interface ReadLeaves {
  readonly buffer: RunBuffer;
  readonly run: LeafRun;
}

/**
 * Reads and hashes leaves ahead of the consumer. A run's bytes are valid until the consumer asks for the next run or
 * ends the iteration.
 * @param unwanted ends the reading; reads that wait for their turn do not begin.
 * @throws BlobDamaged when the file ends early, the reason of `unwanted`.
 */
export async function* readLeafRuns(
  deps: LeafReadDeps,
  blob: BlobBytes,
  first: number,
  last: number,
  unwanted?: AbortSignal,
): AsyncGenerator<LeafRun> {
  unwanted?.throwIfAborted();
  const over = new AbortController();
  const stop = (): void => over.abort();
  unwanted?.addEventListener('abort', stop);
  const extent = new LeafReader(deps, blob, first, last, over.signal);
  try {
    for (;;) {
      extent.readOn();
      const read = await extent.first();
      unwanted?.throwIfAborted();
      if (read === undefined) return;
      extent.readAhead();
      yield read.run;
      extent.drop(read);
    }
  } finally {
    unwanted?.removeEventListener('abort', stop);
    stop();
    // The file must not be closed under a read.
    await extent.end();
  }
}

/** Reads consecutive leaves from the disk. */
class LeafReader {
  readonly #reading: LeafReadDeps;
  readonly #blob: BlobBytes;
  readonly #over: AbortSignal;
  readonly #begins: number;
  readonly #end: number;
  /** Position at which the next read begins. */
  #next: number;
  /** Reads that wait for their turn. */
  #waiting = 0;
  /** In order; undefined where an earlier read took the rest. */
  readonly #coming: Promise<ReadLeaves | undefined>[] = [];

  constructor(deps: LeafReadDeps, blob: BlobBytes, first: number, last: number, over: AbortSignal) {
    this.#reading = deps;
    this.#blob = blob;
    this.#over = over;
    this.#begins = first * LEAF_BYTES;
    this.#next = this.#begins;
    this.#end = Math.min(blob.size, (last + 1) * LEAF_BYTES);
  }

  /** Begins the read that is needed next, and no more: many clients give up before they receive anything. */
  readOn(): void {
    this.#begin(1);
  }

  /** Begins the reads that follow the run being sent. */
  readAhead(): void {
    if (this.#reading.buffers.isPlenty) this.#begin(1 + RUNS_AHEAD);
  }

  #begin(wanted: number): void {
    const { narrowBytes } = this.#reading.buffers;
    while (this.#next + this.#waiting * narrowBytes < this.#end && this.#coming.length < wanted) {
      const read = this.#read();
      // Awaited some turns later; until then a failure must not count as an unhandled rejection.
      read.catch(() => {});
      this.#coming.push(read);
    }
  }

  async first(): Promise<ReadLeaves | undefined> {
    return this.#coming[0];
  }

  /** Returns the first run's buffer: the consumer no longer uses it. */
  drop({ buffer }: ReadLeaves): void {
    this.#coming.shift();
    buffer.giveBack();
  }

  /** Waits for all reads and returns their buffers. The consumer no longer uses any. */
  async end(): Promise<void> {
    for (const settled of await Promise.allSettled(this.#coming.splice(0))) {
      if (settled.status === 'fulfilled') settled.value?.buffer.giveBack();
    }
  }

  async #read(): Promise<ReadLeaves | undefined> {
    const { buffers, turns } = this.#reading;
    this.#waiting++;
    const isTurn = await turns.acquire(this.#over);
    this.#waiting--;
    if (!isTurn) return undefined;
    try {
      const left = this.#end - this.#next;
      if (left <= 0 || this.#over.aborted) return undefined;
      // While others wait, the first read is small: it shows whether the client is still there.
      const small = turns.waiting > 0 && this.#next === this.#begins;
      const buffer = buffers.take(small ? Math.min(LEAF_BYTES, left) : left);
      const leaf = this.#next / LEAF_BYTES;
      this.#next += buffer.bytes.length;
      return { buffer, run: await this.#readRun(leaf, buffer) };
    } finally {
      turns.release();
    }
  }

  async #readRun(leaf: number, buffer: RunBuffer): Promise<LeafRun> {
    const { ref, file, start } = this.#blob;
    const { bytes } = buffer;
    try {
      const { engine } = this.#reading;
      const { bytesRead, leaves } = await file.readAndHash(engine, start + leaf * LEAF_BYTES, bytes);
      if (bytesRead < bytes.length)
        throw new BlobDamaged(ref, `it ends ${bytes.length - bytesRead} bytes early`);
      return { first: leaf, bytes, digests: leaves };
    } catch (error) {
      buffer.giveBack();
      throw error;
    }
  }
}
