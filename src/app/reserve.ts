/** A file that takes up room on a disk while there is enough, so that there is some to give up when there is not. */
import { randomFillSync } from 'node:crypto';
import { open, stat, statfs, truncate } from 'node:fs/promises';
import { join } from 'node:path';

export const RESERVE_FILE = 'reserve';
const DEFAULT_BYTES = 64 * 1024 * 1024;
/** Of a small file system the reserve takes no more than this share, unless a setting says so. */
const DEFAULT_SHARE = 1 / 16;
/** It is given up, and made again, in so many steps: what another program takes meanwhile is not all of it. */
const STEPS = 8;
const PIECE_BYTES = 1024 * 1024;

/** What a file system has, in bytes. */
export interface Room {
  /** For users that are not root. */
  readonly free: number;
  /** In the reserve's file. */
  readonly held: number;
}

/** The reserve of one file system. */
export class Reserve {
  readonly folder: string;
  /** Bytes that are kept free of uploads, in the file or beside it. */
  readonly bytes: number;
  readonly #path: string;

  constructor(folder: string, bytes: number) {
    this.folder = folder;
    this.bytes = bytes;
    this.#path = join(folder, RESERVE_FILE);
  }

  /** @param wanted bytes; undefined: 64 MiB, or a sixteenth of the file system if that is less. @throws the I/O error. */
  static async of(folder: string, wanted: number | undefined): Promise<Reserve> {
    if (wanted !== undefined) return new Reserve(folder, wanted);
    const { blocks, bsize } = await statfs(folder);
    return new Reserve(folder, Math.floor(Math.min(DEFAULT_BYTES, blocks * bsize * DEFAULT_SHARE)));
  }

  /** Bytes that are given up at once. */
  get step(): number {
    return Math.ceil(this.bytes / STEPS);
  }

  /** @throws the I/O error. */
  async look(): Promise<Room> {
    const { bavail, bsize } = await statfs(this.folder);
    return { free: bavail * bsize, held: await this.#held() };
  }

  /** Gives up a step of the file. @returns whether there was anything left of it. Never throws. */
  async shrink(): Promise<boolean> {
    try {
      const { size } = await stat(this.#path);
      if (size === 0) return false;
      await truncate(this.#path, Math.max(0, size - this.step));
      return true;
    } catch {
      return false;
    }
  }

  /** Adds a step to the file, as far as it is not whole. One process does this. @throws the I/O error. */
  async grow(): Promise<void> {
    // Not zeros: a file system that compresses would keep nothing free for them. Its owner alone reads it: what it takes
    // up may have been somebody's.
    const piece = randomFillSync(Buffer.alloc(Math.min(PIECE_BYTES, this.step)));
    const file = await open(this.#path, 'a', 0o600);
    try {
      for (let left = Math.min(this.step, this.bytes - (await file.stat()).size); left > 0; ) {
        left -= (await file.write(piece, 0, Math.min(left, piece.length))).bytesWritten;
      }
    } finally {
      await file.close();
    }
  }

  async #held(): Promise<number> {
    try {
      return (await stat(this.#path)).size;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    }
  }
}
