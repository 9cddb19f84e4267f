import type { ReadableFile } from './file.ts';

/** More than the largest record of a pack, so that a record whose header was read is there to its end. */
const AHEAD_BYTES = 288 * 1024;

/** Reads a file from its beginning to its end in long runs, for many short reads that are close together. */
export class ReadAhead implements ReadableFile {
  readonly #file: ReadableFile;
  #bytes: Buffer = Buffer.alloc(0);
  #start = 0;

  constructor(file: ReadableFile) {
    this.#file = file;
  }

  size(): Promise<number> {
    return this.#file.size();
  }

  async readAt(position: number, length: number): Promise<Buffer> {
    const from = position - this.#start;
    if (from >= 0 && from + length <= this.#bytes.length) return this.#bytes.subarray(from, from + length);
    this.#bytes = await this.#file.readAt(position, length + AHEAD_BYTES);
    this.#start = position;
    return this.#bytes.subarray(0, length);
  }
}
