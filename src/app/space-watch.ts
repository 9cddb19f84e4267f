/** Watches the disks of a server, keeps a reserve on each, and decides what may still be written. */
import { stat } from 'node:fs/promises';
import type { Clock } from '../domain/clock.ts';
import { type DiskSpace, isDiskFull, type SpaceAllocation } from '../domain/disk-space.ts';
import { passingCode, Shortage } from '../domain/errors.ts';
import { undefinedIfMissing } from '../durable/errors.ts';
import type { Logger } from '../log.ts';
import type { Operation } from '../operations/operation.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import type { DataFolder } from './data-folder.ts';
import { Disk, type DiskUse, formatBytes } from './disk.ts';

const LOOK_PAUSE_MS = 1000;
/** While this much more space is free than requested, the last look is recent enough. */
const AMPLE_BYTES = 1024 * 1024 * 1024;
/** A refused upload counts as waiting for room this long. */
const REMEMBERED_MS = 60_000;
const WHAT_CONTINUES = 'Until there is space again, only reads and deletions are allowed.';

export interface SpaceWatchDeps {
  readonly folder: DataFolder;
  /** As for `Reserve.of`. */
  readonly reserveBytes: number | undefined;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether this process rebuilds the reserve; only one does. */
  readonly keeps: boolean;
  /** Between two looks, ms; a second by default. */
  readonly pauseMs?: number;
}

export class SpaceWatch {
  readonly #deps: SpaceWatchDeps;
  readonly #disks: readonly Disk[];
  /** Bytes that uploads of this process have allocated and not yet written. */
  #allocatedBytes = 0;
  /** The smallest upload that was refused lately. */
  #lastRefused: { readonly bytes: number; readonly atMs: number } | undefined;
  #looking: Promise<void> | undefined;
  /** When a request last failed for want of descriptors. */
  #withoutDescriptorsMs: number | undefined;
  /** Disks whose shortage this process has logged, and not yet its end. */
  readonly #logged = new Set<Disk>();

  private constructor(deps: SpaceWatchDeps, disks: readonly Disk[]) {
    this.#deps = deps;
    this.#disks = disks;
  }

  /**
   * Finds the disks. Gives up some of the reserve if a start would find no room.
   * @param deps its folder exists; what is missing in it counts as on the folder's disk.
   * @throws the I/O error.
   */
  static async open(deps: SpaceWatchDeps): Promise<SpaceWatch> {
    const disks = await openDisks(deps.folder, deps.reserveBytes);
    if (deps.keeps) for (const disk of disks) await disk.keepFree();
    return new SpaceWatch(deps, disks);
  }

  /** Size of the store's reserve in bytes: rewriting a pack should not need more. */
  get storeReserveBytes(): number {
    return this.#diskOf('store').reserve.bytes;
  }

  /** Whether a btrfs quota limits the data folder. @throws the I/O error. */
  hasBtrfsLimit(): Promise<boolean> {
    return this.#diskOf('data folder').reserve.hasBtrfsLimit();
  }

  /** The disk of `use`, as the store and the audit log ask it for room. */
  of(use: DiskUse): DiskSpace {
    const disk = this.#diskOf(use);
    return {
      allocate: (bytes) => this.#allocate(bytes),
      shrinkReserve: () => disk.shrinkReserve(),
    };
  }

  /**
   * Refuses changes that use up space once half of a reserve is gone, because the rest is for deletions and reads.
   * Uploads allocate their space themselves. @throws Shortage.
   */
  async requireSpace({ method, body, mayUseReserve }: Operation): Promise<void> {
    if (method === 'DELETE' || mayUseReserve || body === 'upload') return;
    if (this.#disks.every((disk) => disk.isHalfLeft(AMPLE_BYTES))) return;
    await this.#look();
    const full = this.#disks.find((disk) => !disk.isHalfLeft(0));
    if (full) throw new Shortage(`${full.describeFull()} ${WHAT_CONTINUES}`, { changedNothing: true });
  }

  /** Why requests fail, in words without a path; undefined while they do not. */
  status(): string | undefined {
    if (this.#withoutDescriptorsMs !== undefined) {
      const sinceMs = this.#deps.clock.now() - this.#withoutDescriptorsMs;
      if (sinceMs < REMEMBERED_MS) return 'The server had no file descriptors left for some requests.';
    }
    return this.#disks.find((disk) => this.#isShort(disk))?.describeFull();
  }

  /** Notes why a request failed: `status` reports a lack of descriptors for a minute. Never throws. */
  note(error: unknown): void {
    const code = passingCode(error);
    if (code === 'EMFILE' || code === 'ENFILE') this.#withoutDescriptorsMs = this.#deps.clock.now();
  }

  /** Whether there is room for a small blob. */
  hasSpace(): boolean {
    return this.#disks.every((disk) => disk.refused === undefined && disk.spareBytes > 0);
  }

  /**
   * Looks at the disks every second, and keeps the reserve.
   * @param onShort called after each look while there is no room. @param onError called when a look failed.
   */
  start(onShort: () => Promise<void>, onError: (error: unknown) => void): Scheduled {
    const task = async (): Promise<void> => {
      await this.#look();
      for (const disk of this.#disks) await disk.probe();
      if (this.#deps.keeps) for (const disk of this.#disks) await disk.keepReserve();
      for (const disk of this.#disks) this.#logShortage(disk);
      if (this.#disks.some((disk) => this.#isShort(disk))) await onShort();
    };
    return repeat(this.#deps.pauseMs ?? LOOK_PAUSE_MS, task, onError);
  }

  #diskOf(use: DiskUse): Disk {
    return this.#disks.find(({ uses }) => uses.includes(use)) as Disk;
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
        if (isDiskFull(error)) this.#diskOf('store').refuse({ error, bytes: bytes ?? 0 });
      },
    };
  }

  async #requireSpaceFor(bytes: number): Promise<void> {
    if (this.#hasSpaceFor(bytes + AMPLE_BYTES)) return;
    await this.#look();
    if (this.#hasSpaceFor(bytes)) return;
    const nowMs = this.#deps.clock.now();
    const before = this.#recentlyRefused()?.bytes ?? Number.POSITIVE_INFINITY;
    this.#lastRefused = { bytes: Math.min(bytes, before), atMs: nowMs };
    const full = this.#disks.find((disk) => this.#isShort(disk)) ?? this.#diskOf('store');
    const text = `${full.describeFull()} There is no room for another ${formatBytes(bytes)}.`;
    throw new Shortage(text, { changedNothing: true });
  }

  #hasSpaceFor(bytes: number): boolean {
    return this.#disks.every(({ uses, refused, spareBytes }) => {
      const wanted = uses.includes('store') ? bytes + this.#allocatedBytes : 0;
      return !refused && spareBytes > 0 && spareBytes >= wanted;
    });
  }

  #isShort({ uses, refused, spareBytes }: Disk): boolean {
    const unmet = uses.includes('store') ? (this.#recentlyRefused()?.bytes ?? 0) : 0;
    return refused !== undefined || spareBytes <= 0 || spareBytes < unmet;
  }

  #recentlyRefused(): { readonly bytes: number } | undefined {
    const isOld = this.#lastRefused && this.#deps.clock.now() - this.#lastRefused.atMs > REMEMBERED_MS;
    return isOld ? undefined : this.#lastRefused;
  }

  /** Calls at the same time share a look. */
  #look(): Promise<void> {
    this.#looking ??= this.#lookNow().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #lookNow(): Promise<void> {
    await Promise.all(this.#disks.map((disk) => disk.look()));
  }

  /** Logs one line when a disk becomes full, and one when it has room again. */
  #logShortage(disk: Disk): void {
    const { log, keeps } = this.#deps;
    const isShort = this.#isShort(disk);
    // Every process sees a full disk, so only one logs it. A process that alone met a shortage logs that itself.
    const isMine = keeps || disk.refused !== undefined || disk.spareBytes > 0;
    const { folder } = disk.reserve;
    const { free, held } = disk.space;
    if (isShort && isMine && !this.#logged.has(disk)) {
      this.#logged.add(disk);
      log.error(
        { folder, freeBytes: free, reserveLeftBytes: held, err: disk.refused?.error },
        disk.describeFull(),
      );
    } else if (!isShort && this.#logged.delete(disk)) {
      log.info({ folder, freeBytes: free }, `there is room again on the disk of the ${disk.uses[0]}`);
    }
  }
}

/** The disks that hold files of the server. Writes nothing. @throws the I/O error. */
export async function openDisks(
  folder: DataFolder,
  reserveBytes: number | undefined,
): Promise<readonly Disk[]> {
  const home = (await stat(folder.path)).dev;
  const byDevice = new Map<number, { readonly uses: DiskUse[]; readonly folder: string }>();
  for (const [use, path] of [
    ['data folder', folder.path],
    ['store', folder.store],
    ['audit log', folder.audit],
  ] as const) {
    const dev = (await stat(path).catch(undefinedIfMissing))?.dev ?? home;
    const known = byDevice.get(dev) ?? { uses: [], folder: path };
    known.uses.push(use);
    byDevice.set(dev, known);
  }
  const disks: Disk[] = [];
  for (const { uses, folder: of } of byDevice.values()) disks.push(await Disk.open(uses, of, reserveBytes));
  return disks;
}
