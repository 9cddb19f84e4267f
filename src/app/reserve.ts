/** The reserve: files that hold room on a disk, so that the server can free it when the disk is full. */
import { open, stat, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { undefinedIfMissing } from '../durable/errors.ts';
import { BtrfsQuota } from './btrfs-quota.ts';
import { systemRandom } from './system.ts';

const DEFAULT_BYTES = 64 * 1024 * 1024;
/** Unless a setting sets its size, the reserve takes at most this share of the file system. */
const DEFAULT_SHARE = 1 / 16;
/**
 * Number of files. The reserve is given up and rebuilt file by file, so that another program cannot take all of it at
 * once. Shortening one file would not work: on a used up btrfs quota, only removals succeed.
 */
const STEPS = 8;
const FILE = 'reserve';
const PIECE_BYTES = 1024 * 1024;

/** Room on a file system, in bytes. */
export interface FileSystemSpace {
  /** Free for users other than root. */
  readonly free: number;
  /** Held by the reserve's files. */
  readonly held: number;
}

/** The reserve of one file system. */
export class Reserve {
  readonly folder: string;
  /** Bytes that uploads must leave, held by the files or free. */
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
   * @param wanted bytes; if undefined, a sixteenth of the file system or of its btrfs quota, but at most 64 MiB.
   * @throws the I/O error.
   */
  static async of(folder: string, wanted: number | undefined): Promise<Reserve> {
    const quota = await BtrfsQuota.of(folder);
    if (wanted !== undefined) return new Reserve(folder, wanted, quota);
    const { blocks, bsize } = await statfs(folder);
    const size = Math.min(blocks * bsize, (await quota?.limit()) ?? Infinity);
    return new Reserve(folder, Math.floor(Math.min(DEFAULT_BYTES, size * DEFAULT_SHARE)), quota);
  }

  /** Bytes given up at once. */
  get step(): number {
    return Math.ceil(this.bytes / STEPS);
  }

  /** Whether a btrfs quota limits the folder. @throws the I/O error. */
  async hasBtrfsLimit(): Promise<boolean> {
    return Number.isFinite((await this.#quota?.limit()) ?? Infinity);
  }

  /** Reads the room on the file system. @throws the I/O error. */
  async look(): Promise<FileSystemSpace> {
    const { bavail, bsize } = await statfs(this.folder);
    // The last step of a quota counts as used: when nothing is left, btrfs kills processes that write to a mapped file,
    // such as the index of the catalog's log.
    const left = (await this.#quota?.left()) ?? Infinity;
    const free = Math.min(bavail * bsize, Math.max(0, left - this.step));
    const sizes = await Promise.all(this.#paths.map(sizeOf));
    return { free, held: sizes.reduce((sum, size) => sum + size, 0) };
  }

  /** Gives up a step. @returns whether there was one. Never throws. */
  async shrink(): Promise<boolean> {
    for (const path of this.#paths.toReversed()) {
      try {
        const size = await sizeOf(path);
        await unlink(path);
        if (size === 0) continue;
        await this.#quota?.settle();
        return true;
      } catch {
        // The file does not exist, or another process removed it first.
      }
    }
    return false;
  }

  /** Completes the first file that is not whole. Only one process may call this. @throws the I/O error. */
  async grow(): Promise<void> {
    // Random bytes, because a file system that compresses would hold no room for zeros.
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

/** Size of a file; 0 if there is none. @throws the I/O error. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(undefinedIfMissing))?.size ?? 0;
}
