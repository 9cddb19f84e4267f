import { isReadError } from '../../durable/errors.ts';
import { alignDown, alignUp, type DirectFile, type DirectFiles, RUN_BYTES } from '../blob/direct-file.ts';

/** Longer than any record that this version writes; a multiple of the block size. */
const CARRIED_BYTES = 512 * 1024;
/** The unit in which a disk that fails to read is read. */
const PIECE_BYTES = 64 * 1024;

interface PackWindowDeps {
  readonly files: DirectFiles;
  /** Called after each read. */
  rest(bytes: number): Promise<void>;
}

/** Reads a pack from its beginning to its end, each byte once. */
export class PackWindow {
  readonly #deps: PackWindowDeps;
  readonly #file: DirectFile;
  /** Ends with the last run; before it, what a record at the end of the run before began with. Release it at the end. */
  readonly bytes: Buffer;
  /** Position of the first byte of the last run. */
  #run = 0;
  /** Position after the last byte that is here. */
  #to = 0;
  #unreadable = 0;

  /** @param file a pack. */
  constructor(deps: PackWindowDeps, file: DirectFile) {
    this.#deps = deps;
    this.#file = file;
    const make = deps.files.engine.alignedBuffer?.bind(deps.files.engine) ?? Buffer.allocUnsafeSlow;
    this.bytes = make(CARRIED_BYTES + RUN_BYTES);
  }

  /** How many bytes the disk failed to read; they are zeros here. */
  get unreadable(): number {
    return this.#unreadable;
  }

  /**
   * So many bytes at a position, which never goes back; undefined if the file ends before. Valid until the next call.
   * @throws the I/O error, unless the disk fails to read.
   */
  async at(position: number, length: number): Promise<Buffer | undefined> {
    const end = position + length;
    if (end > this.#file.size) return undefined;
    if (length > CARRIED_BYTES) return this.#file.readAt(position, length);
    while (end > this.#to) await this.#readOn(position);
    const at = CARRIED_BYTES + position - this.#run;
    return this.bytes.subarray(at, at + length);
  }

  /** Reads the next run, and keeps what is here from `position` on. */
  async #readOn(position: number): Promise<void> {
    const kept = Math.max(0, this.#to - position);
    const next = kept > 0 ? this.#to : alignDown(position);
    const ends = CARRIED_BYTES + this.#to - this.#run;
    this.bytes.copyWithin(CARRIED_BYTES - kept, ends - kept, ends);
    const bytes = Math.min(RUN_BYTES, this.#file.size - next);
    const target = this.bytes.subarray(CARRIED_BYTES, CARRIED_BYTES + alignUp(bytes));
    await this.#read(next, target, bytes);
    this.#run = next;
    this.#to = next + bytes;
    await this.#deps.rest(bytes);
  }

  async #read(position: number, target: Buffer, bytes: number): Promise<void> {
    try {
      const read = await this.#file.readRun(position, target, bytes);
      target.fill(0, Math.min(read, bytes));
    } catch (error) {
      if (!isReadError(error)) throw error;
      if (bytes > PIECE_BYTES) return this.#readPieces(position, target, bytes);
      target.fill(0);
      this.#unreadable += bytes;
    }
  }

  async #readPieces(position: number, target: Buffer, bytes: number): Promise<void> {
    for (let at = 0; at < bytes; at += PIECE_BYTES) {
      const piece = Math.min(PIECE_BYTES, bytes - at);
      await this.#read(position + at, target.subarray(at, at + alignUp(piece)), piece);
    }
  }
}
