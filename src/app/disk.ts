/** One file system that holds files of the server, with its reserve. */
import { open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull } from '../domain/disk-space.ts';
import { withoutPath } from '../domain/errors.ts';
import { type FileSystemSpace, Reserve } from './reserve.ts';

/** A probe writes this file to find out whether a disk accepts writes again: some quotas are noticed only by writing. */
const PROBE_FILE = 'reserve.probe';
const PROBE_PIECE = Buffer.alloc(256 * 1024, 'moraine reserve probe ');
const LONGEST_PROBE_BYTES = 8 * 1024 * 1024;

/** Files of the server that may lie on disks of their own. */
export type DiskUse = 'data folder' | 'store' | 'audit log';

/** A write that failed although there seemed to be room for it. */
interface RefusedWrite {
  readonly error: unknown;
  /** Size of the upload that failed; 0 if unknown. */
  readonly bytes: number;
}

export class Disk {
  readonly uses: readonly DiskUse[];
  readonly reserve: Reserve;
  #space: FileSystemSpace;
  #refused: RefusedWrite | undefined;
  #shrinking: Promise<boolean> | undefined;

  private constructor(uses: readonly DiskUse[], reserve: Reserve, space: FileSystemSpace) {
    this.uses = uses;
    this.reserve = reserve;
    this.#space = space;
  }

  /**
   * @param folder on the disk; the reserve's files go there.
   * @param reserveBytes as for `Reserve.of`.
   * @throws the I/O error.
   */
  static async open(
    uses: readonly DiskUse[],
    folder: string,
    reserveBytes: number | undefined,
  ): Promise<Disk> {
    const reserve = await Reserve.of(folder, reserveBytes);
    return new Disk(uses, reserve, await reserve.look());
  }

  /** Room as of the last look. */
  get space(): FileSystemSpace {
    return this.#space;
  }

  /** The last refused write; undefined while the disk accepts writes. */
  get refused(): RefusedWrite | undefined {
    return this.#refused;
  }

  /** Bytes that uploads may still use; negative while the reserve is in use. */
  get spareBytes(): number {
    return this.#space.free + this.#space.held - this.reserve.bytes;
  }

  /** Whether at least half of the reserve plus `beyond` bytes is left. */
  isHalfLeft(beyond: number): boolean {
    return this.#space.free + this.#space.held >= this.reserve.bytes / 2 + beyond;
  }

  /** Updates `space`. @throws the I/O error. */
  async look(): Promise<void> {
    this.#space = await this.reserve.look();
  }

  /** Notes a refused write, and gives up a step of the reserve so that small writes have room before they fail too. */
  refuse(refused: RefusedWrite): void {
    if (!this.#refused && this.#space.held > this.reserve.bytes / 2) void this.shrinkReserve();
    this.#refused = refused;
  }

  /** Gives up one step of the reserve. Calls at the same time share a step. @returns whether there was one. Never throws. */
  shrinkReserve(): Promise<boolean> {
    this.#shrinking ??= this.#shrinkOneStep().finally(() => {
      this.#shrinking = undefined;
    });
    return this.#shrinking;
  }

  async #shrinkOneStep(): Promise<boolean> {
    const { held } = this.#space;
    const isGiven = await this.reserve.shrink();
    this.#space = await this.reserve.look().catch(() => this.#space);
    // Another process may have given up a step since the last look.
    return isGiven || this.#space.held < held;
  }

  /** Gives up as much of the reserve as small writes need, before they fail. Never throws. */
  async keepFree(): Promise<void> {
    while (this.#space.free < this.reserve.step && (await this.#shrinkOneStep()));
  }

  /** Keeps some room free, and rebuilds the reserve by one step if there is room. @throws the I/O error. */
  async keepReserve(): Promise<void> {
    await this.keepFree();
    const isWhole = this.#refused !== undefined || this.#space.held >= this.reserve.bytes;
    // Two steps stay free, so that the next look does not give up what this one rebuilt.
    if (isWhole || this.#space.free < 3 * this.reserve.step) return;
    await this.reserve.grow().catch((error) => {
      if (!isDiskFull(error)) throw error;
    });
    await this.look();
  }

  /**
   * After a refused write, tries to write as much again; until that succeeds, uploads are refused.
   * @throws the I/O error, unless the disk is still full.
   */
  async probe(): Promise<void> {
    // A probe must not use up the last room of a quota.
    const refused = this.#refused;
    if (!refused || this.spareBytes < refused.bytes) return;
    const path = join(this.reserve.folder, PROBE_FILE);
    try {
      const file = await open(path, 'w', 0o600);
      try {
        const wanted = Math.min(Math.max(refused.bytes, 1), LONGEST_PROBE_BYTES);
        for (let left = wanted; left > 0; ) {
          left -= (await file.write(PROBE_PIECE, 0, Math.min(left, PROBE_PIECE.length))).bytesWritten;
        }
      } finally {
        await file.close();
      }
      this.#refused = undefined;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    } finally {
      await unlink(path).catch(() => {});
    }
  }

  /** Says that the disk is full or refuses writes, without a path. */
  describeFull(): string {
    const name = `The disk of the ${this.uses[0]}`;
    if (this.#refused) return `${name} refuses writes: ${withoutPath(this.#refused.error)}.`;
    const { free, held } = this.#space;
    const { bytes } = this.reserve;
    const rest =
      bytes > 0 ? `, and ${formatBytes(held)} are held back of ${formatBytes(bytes)} in reserve` : '';
    return `${name} is full: ${formatBytes(free)} are free${rest}.`;
  }
}

/** A size in MiB, or in bytes below 1 MiB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024 * 1024) return `${bytes} bytes`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
