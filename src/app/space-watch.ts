/** Watches the disks of a server, keeps a reserve on each, and decides what may still be written. */
import { open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { type DiskSpace, isDiskFull, type SpaceAllocation } from '../domain/disk-space.ts';
import { passingCode, Shortage, withoutPath } from '../domain/errors.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import type { Logger } from '../log.ts';
import type { Operation } from '../operations/operation.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import type { DataFolder } from './data-folder.ts';
import { type FileSystemSpace, Reserve } from './reserve.ts';

const LOOK_PAUSE_MS = 1000;
/** With so much more room than is asked for, the last look is good enough. */
const AMPLE_BYTES = 1024 * 1024 * 1024;
/** An upload that was refused counts as waiting for room so long. */
const REMEMBERED_MS = 60_000;
/** Written to find out whether a disk that refused a write takes one again, though it says that it has room: a quota. */
const PROBE_FILE = 'reserve.probe';
const PROBE_PIECE = Buffer.alloc(256 * 1024, 'moraine reserve probe ');
const LONGEST_PROBE_BYTES = 8 * 1024 * 1024;

type DiskUse = 'data folder' | 'store' | 'audit log';

/** One file system, and what of the server lies on it. */
interface FileSystem {
  readonly uses: readonly DiskUse[];
  readonly reserve: Reserve;
  space: FileSystemSpace;
  /** Set while writes fail though there seems to be room: the error, and how much was being written. */
  refused: { readonly error: unknown; readonly bytes: number } | undefined;
  shrinking: Promise<boolean> | undefined;
  /** What was logged; undefined while all is well. */
  loggedState: string | undefined;
}

export interface SpaceWatchDeps {
  readonly folder: DataFolder;
  /** Bytes; undefined: see `Reserve.of`. */
  readonly reserveBytes: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether this process makes the reserve again; one does. */
  readonly keeps: boolean;
  /** Between two looks, ms; a second by default. */
  readonly pauseMs?: number;
}

export class SpaceWatch {
  readonly #deps: SpaceWatchDeps;
  readonly #fileSystems: readonly FileSystem[];
  /** Bytes that uploads of this process have claimed and not yet written. */
  #allocatedBytes = 0;
  /** The smallest upload that was refused lately. */
  #lastRefused: { readonly bytes: number; readonly atMs: number } | undefined;
  #looking: Promise<void> | undefined;
  /** When a request last failed for want of descriptors. */
  #withoutDescriptorsMs: number | undefined;

  private constructor(deps: SpaceWatchDeps, fileSystems: readonly FileSystem[]) {
    this.#deps = deps;
    this.#fileSystems = fileSystems;
  }

  /**
   * Gives up some of the reserve where a start would find no room.
   * @param options.folder has been made; what is missing in it counts as lying on its disk. @throws the I/O error.
   */
  static async open(deps: SpaceWatchDeps): Promise<SpaceWatch> {
    const { folder, reserveBytes } = deps;
    const home = (await stat(folder.path)).dev;
    const byDevice = new Map<number, { uses: DiskUse[]; folder: string }>();
    for (const [part, path] of [
      ['data folder', folder.path],
      ['store', folder.store],
      ['audit log', folder.audit],
    ] as const) {
      const dev = (await stat(path).catch(undefinedIfMissing))?.dev ?? home;
      const known = byDevice.get(dev) ?? { uses: [], folder: path };
      known.uses.push(part);
      byDevice.set(dev, known);
    }
    const fileSystems: FileSystem[] = [];
    for (const { uses, folder: of } of byDevice.values()) {
      const reserve = await Reserve.of(of, reserveBytes);
      const empty = { refused: undefined, shrinking: undefined, loggedState: undefined };
      fileSystems.push({ uses, reserve, space: await reserve.look(), ...empty });
    }
    const watch = new SpaceWatch(deps, fileSystems);
    if (deps.keeps) for (const fileSystem of fileSystems) await watch.#keepFree(fileSystem);
    return watch;
  }

  /** Bytes of the store's reserve: nothing that is written again at once should need more. */
  get storeReserveBytes(): number {
    return this.#fileSystemOf('store').reserve.bytes;
  }

  /** Whether a quota of btrfs bounds the data folder. @throws the I/O error. */
  hasBtrfsLimit(): Promise<boolean> {
    return this.#fileSystemOf('data folder').reserve.hasBtrfsLimit();
  }

  /** What a part of the server asks for room on its disk. */
  of(part: DiskUse): DiskSpace {
    const fileSystem = this.#fileSystemOf(part);
    return {
      allocate: (bytes) => this.#allocate(bytes),
      shrinkReserve: () => this.#shrinkReserve(fileSystem),
    };
  }

  /**
   * Refuses a change that uses up room once half of a reserve is gone: the rest is for what makes room, and for reading.
   * Uploads claim room by themselves. @throws Shortage.
   */
  async requireSpace({ method, body, mayUseReserve }: Operation): Promise<void> {
    if (method === 'DELETE' || mayUseReserve || body === 'upload') return;
    if (this.#fileSystems.every((fileSystem) => isHalfLeft(fileSystem, AMPLE_BYTES))) return;
    await this.#look();
    const fileSystem = this.#fileSystems.find((one) => !isHalfLeft(one, 0));
    if (fileSystem)
      throw new Shortage(`${describeFull(fileSystem)} ${WHAT_CONTINUES}`, { changedNothing: true });
  }

  /** Why requests fail, in words without a path; undefined while they do not. */
  status(): string | undefined {
    if (this.#withoutDescriptorsMs !== undefined) {
      const sinceMs = this.#deps.clock.now() - this.#withoutDescriptorsMs;
      if (sinceMs < REMEMBERED_MS) return 'The server had no file descriptors left for some requests.';
    }
    const fileSystem = this.#fileSystems.find((one) => this.#isShort(one));
    return fileSystem && describeFull(fileSystem);
  }

  /** A request failed with this. For a minute, health tells of descriptors that were missing. Never throws. */
  note(error: unknown): void {
    const code = passingCode(error);
    if (code === 'EMFILE' || code === 'ENFILE') this.#withoutDescriptorsMs = this.#deps.clock.now();
  }

  /** Whether a small blob would find room. */
  hasSpace(): boolean {
    return this.#fileSystems.every(
      (fileSystem) => fileSystem.refused === undefined && spareBytes(fileSystem) > 0,
    );
  }

  /**
   * Looks at the disks every second, and keeps the reserve.
   * @param onShort called after each look while there is no room. @param onError called when a look failed.
   */
  start(onShort: () => Promise<void>, onError: (error: unknown) => void): Scheduled {
    const task = async (): Promise<void> => {
      await this.#look();
      for (const fileSystem of this.#fileSystems)
        if (fileSystem.refused) await this.#probe(fileSystem, fileSystem.refused.bytes);
      if (this.#deps.keeps) await this.#keepReserves();
      this.#tell();
      if (this.#fileSystems.some((fileSystem) => this.#isShort(fileSystem))) await onShort();
    };
    return repeat(this.#deps.pauseMs ?? LOOK_PAUSE_MS, task, onError);
  }

  #fileSystemOf(part: DiskUse): FileSystem {
    return this.#fileSystems.find(({ uses }) => uses.includes(part)) as FileSystem;
  }

  async #allocate(bytes: number | null): Promise<SpaceAllocation> {
    await this.#requireSpaceFor(bytes ?? 0);
    let left = bytes ?? 0;
    let isOpen = true;
    this.#allocatedBytes += left;
    return {
      addWritten: async (written) => {
        if (bytes === null) await this.#requireSpaceFor(written);
        const done = Math.min(left, written);
        left -= done;
        this.#allocatedBytes -= done;
      },
      end: (error) => {
        if (!isOpen) return;
        isOpen = false;
        this.#allocatedBytes -= left;
        if (isDiskFull(error)) this.#refuse(this.#fileSystemOf('store'), { error, bytes: bytes ?? 0 });
      },
    };
  }

  /** A quota is seen by nothing but a write that fails: small writes get some room before they fail, too. */
  #refuse(fileSystem: FileSystem, refused: NonNullable<FileSystem['refused']>): void {
    if (!fileSystem.refused && fileSystem.space.held > fileSystem.reserve.bytes / 2)
      void this.#shrinkReserve(fileSystem);
    fileSystem.refused = refused;
  }

  async #requireSpaceFor(bytes: number): Promise<void> {
    if (this.#hasSpaceFor(bytes + AMPLE_BYTES)) return;
    await this.#look();
    if (this.#hasSpaceFor(bytes)) return;
    const nowMs = this.#deps.clock.now();
    const before = this.#recentlyRefused()?.bytes ?? Number.POSITIVE_INFINITY;
    this.#lastRefused = { bytes: Math.min(bytes, before), atMs: nowMs };
    const fileSystem = this.#fileSystems.find((one) => this.#isShort(one)) ?? this.#fileSystemOf('store');
    const text = `${describeFull(fileSystem)} There is no room for another ${formatBytes(bytes)}.`;
    throw new Shortage(text, { changedNothing: true });
  }

  #hasSpaceFor(bytes: number): boolean {
    return this.#fileSystems.every((fileSystem) => {
      const wanted = fileSystem.uses.includes('store') ? bytes + this.#allocatedBytes : 0;
      return !fileSystem.refused && spareBytes(fileSystem) > 0 && spareBytes(fileSystem) >= wanted;
    });
  }

  #isShort(fileSystem: FileSystem): boolean {
    const unmet = fileSystem.uses.includes('store') ? (this.#recentlyRefused()?.bytes ?? 0) : 0;
    return fileSystem.refused !== undefined || spareBytes(fileSystem) <= 0 || spareBytes(fileSystem) < unmet;
  }

  #recentlyRefused(): { readonly bytes: number } | undefined {
    const isOld = this.#lastRefused && this.#deps.clock.now() - this.#lastRefused.atMs > REMEMBERED_MS;
    return isOld ? undefined : this.#lastRefused;
  }

  /** Those who ask at the same time share a look. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    await Promise.all(
      this.#fileSystems.map(async (fileSystem) => {
        fileSystem.space = await fileSystem.reserve.look();
      }),
    );
  }

  /** Those who met the full disk together give up one step together. */
  #shrinkReserve(fileSystem: FileSystem): Promise<boolean> {
    fileSystem.shrinking ??= this.#shrinkOneStep(fileSystem).finally(() => {
      fileSystem.shrinking = undefined;
    });
    return fileSystem.shrinking;
  }

  async #shrinkOneStep(fileSystem: FileSystem): Promise<boolean> {
    const { held } = fileSystem.space;
    const isGiven = await fileSystem.reserve.shrink();
    fileSystem.space = await fileSystem.reserve.look().catch(() => fileSystem.space);
    // Another process may have given up a step since the last look.
    return isGiven || fileSystem.space.held < held;
  }

  /** Gives up as much as small writes need, before they fail. Never throws. */
  async #keepFree(fileSystem: FileSystem): Promise<void> {
    while (fileSystem.space.free < fileSystem.reserve.step && (await this.#shrinkOneStep(fileSystem)));
  }

  /** Keeps some room free, and makes the reserves again when there is room, a step at a time. @throws the I/O error. */
  async #keepReserves(): Promise<void> {
    for (const fileSystem of this.#fileSystems) {
      const { reserve } = fileSystem;
      await this.#keepFree(fileSystem);
      const isWhole = fileSystem.refused !== undefined || fileSystem.space.held >= reserve.bytes;
      // Two steps must be left, so that it does not go to and fro.
      if (isWhole || fileSystem.space.free < 3 * reserve.step) continue;
      await reserve.grow().catch((error) => {
        if (!isDiskFull(error)) throw error;
      });
      fileSystem.space = await reserve.look();
    }
  }

  /** Whether a disk that refused a write takes as much again; so long nobody else is let try. */
  async #probe(fileSystem: FileSystem, bytes: number): Promise<void> {
    // To try would take the last of what a quota leaves.
    if (spareBytes(fileSystem) < bytes) return;
    const path = join(fileSystem.reserve.folder, PROBE_FILE);
    try {
      const file = await open(path, 'w', 0o600);
      try {
        const wanted = Math.min(Math.max(bytes, 1), LONGEST_PROBE_BYTES);
        for (let left = wanted; left > 0; ) {
          left -= (await file.write(PROBE_PIECE, 0, Math.min(left, PROBE_PIECE.length))).bytesWritten;
        }
      } finally {
        await file.close();
      }
      fileSystem.refused = undefined;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    } finally {
      await unlink(path).catch(() => {});
    }
  }

  /** One line when a disk has become full, and one when it has room again. */
  #tell(): void {
    const { log, keeps } = this.#deps;
    for (const fileSystem of this.#fileSystems) {
      const isShort = this.#isShort(fileSystem);
      // What every process sees is told by one; what only this one met, by this one.
      const isMine = keeps || fileSystem.refused !== undefined || spareBytes(fileSystem) > 0;
      const { folder } = fileSystem.reserve;
      if (isShort && isMine && fileSystem.loggedState === undefined) {
        fileSystem.loggedState = describeFull(fileSystem);
        const { free, held } = fileSystem.space;
        log.error(
          { folder, freeBytes: free, reserveLeftBytes: held, err: fileSystem.refused?.error },
          fileSystem.loggedState,
        );
      } else if (!isShort && fileSystem.loggedState !== undefined) {
        fileSystem.loggedState = undefined;
        log.info(
          { folder, freeBytes: fileSystem.space.free },
          `there is room again on the disk of the ${fileSystem.uses[0]}`,
        );
      }
    }
  }
}

const WHAT_CONTINUES = 'Until there is room again, only what reads and what deletes is done.';

/** What uploads may still take, in bytes; negative while the reserve is in use. */
function spareBytes({ space, reserve }: FileSystem): number {
  return space.free + space.held - reserve.bytes;
}

/** @param beyond bytes that there must be beside the half. */
function isHalfLeft({ space, reserve }: FileSystem, beyond: number): boolean {
  return space.free + space.held >= reserve.bytes / 2 + beyond;
}

function describeFull({ uses, space, reserve, refused }: FileSystem): string {
  if (refused) return `The disk of the ${uses[0]} refuses writes: ${withoutPath(refused.error)}.`;
  const { free, held } = space;
  const rest =
    reserve.bytes > 0
      ? `, and ${formatBytes(held)} are held back of ${formatBytes(reserve.bytes)} in reserve`
      : '';
  return `The disk of the ${uses[0]} is full: ${formatBytes(free)} are free${rest}.`;
}

function formatBytes(bytes: number): string {
  if (bytes < 1024 * 1024) return `${bytes} bytes`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
