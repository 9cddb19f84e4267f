/** Files that take up room on a disk while there is enough, so that there is some to give up when there is not. */
import { open, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { BtrfsQuota } from './btrfs-quota.ts';
import { undefinedIfMissing } from './data-folder.ts';
import { systemRandom } from './system.ts';

const DEFAULT_BYTES = 64 * 1024 * 1024;
/** Of a small file system the reserve takes no more than this share, unless a setting says so. */
const DEFAULT_SHARE = 1 / 16;
/**
 * It is given up, and made again, file by file: what another program takes meanwhile is not all of it. To shorten a file
 * would not do: where a quota of btrfs is used up, only a removal goes on.
 */
const STEPS = 8;
const FILE = 'reserve';
const PIECE_BYTES = 1024 * 1024;

/** What a file system has, in bytes. */
export interface FileSystemSpace {
  /** For users that are not root. */
  readonly free: number;
  /** In the reserve's files. */
  readonly held: number;
}

/** The reserve of one file system. */
export class Reserve {
  readonly folder: string;
  /** Bytes that are kept free of uploads, in the files or beside them. */
  readonly bytes: number;
  readonly #paths: readonly string[];
  readonly #quota: BtrfsQuota | undefined;

  private constructor(folder: string, bytes: number, quota: BtrfsQuota | undefined) {
    this.folder = folder;
    this.bytes = bytes;
    this.#paths = Array.from({ length: STEPS }, (_, i) => join(folder, i === 0 ? FILE : `${FILE}.${i}`));
    this.#quota = quota;
  }

  /**
   * @param wanted bytes; undefined: 64 MiB, or a sixteenth of the file system, or of a quota of btrfs, if that is less.
   * @throws the I/O error.
   */
  static async of(folder: string, wanted: number | undefined): Promise<Reserve> {
    const quota = await BtrfsQuota.of(folder);
    if (wanted !== undefined) return new Reserve(folder, wanted, quota);
    const { blocks, bsize } = await statfs(folder);
    const size = Math.min(blocks * bsize, (await quota?.limit()) ?? Infinity);
    return new Reserve(folder, Math.floor(Math.min(DEFAULT_BYTES, size * DEFAULT_SHARE)), quota);
  }

  /** Bytes that are given up at once. */
  get step(): number {
    return Math.ceil(this.bytes / STEPS);
  }

  /** Whether a quota of btrfs bounds what the folder may take. @throws the I/O error. */
  async hasBtrfsLimit(): Promise<boolean> {
    return Number.isFinite((await this.#quota?.limit()) ?? Infinity);
  }

  /** @throws the I/O error. */
  async look(): Promise<FileSystemSpace> {
    const { bavail, bsize } = await statfs(this.folder);
    // The last step of a quota counts as taken: btrfs kills what writes into a mapped file when there is nothing left, and
    // the index of the catalog's log is one.
    const left = (await this.#quota?.left()) ?? Infinity;
    const free = Math.min(bavail * bsize, Math.max(0, left - this.step));
    const sizes = await Promise.all(this.#paths.map(sizeOf));
    return { free, held: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** Gives up a step. @returns whether there was anything left. Never throws. */
  async shrink(): Promise<boolean> {
    for (const path of this.#paths.toReversed()) {
      try {
        const size = await sizeOf(path);
        await unlink(path);
        if (size === 0) continue;
        await this.#quota?.settle();
        return true;
      } catch {
        // It is not there, or another process was faster.
      }
    }
    return false;
  }

  /** Adds what is missing in the first file that is not whole, a step at most. One process does this. @throws the I/O error. */
  async grow(): Promise<void> {
    // Not zeros: a file system that compresses would keep nothing free for them. Its owner alone reads it: what it takes
    // up may have been somebody's.
    const piece = systemRandom(Math.min(PIECE_BYTES, this.step));
    for (const [i, path] of this.#paths.entries()) {
      let left = Math.min(this.step, this.bytes - i * this.step) - (await sizeOf(path));
      if (left <= 0) continue;
      const file = await open(path, 'a', 0o600);
      try {
        while (left > 0) left -= (await file.write(piece, 0, Math.min(left, piece.length))).bytesWritten;
      } finally {
        await file.close();
      }
      return;
    }
  }
}

/** 0 if there is no such file. @throws the I/O error. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(undefinedIfMissing))?.size ?? 0;
}
