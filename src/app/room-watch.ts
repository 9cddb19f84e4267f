/** Watches the disks of a server, keeps a reserve on each, and decides what may still be written. */
import { open, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../domain/clock.ts';
import { type DiskRoom, isDiskFull, type RoomClaim } from '../domain/disk-room.ts';
import { passingCode, Shortage, withoutPath } from '../domain/errors.ts';
import type { Logger } from '../log.ts';
import type { Operation } from '../operations/operation.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { type DataFolder, missing } from './data-folder.ts';
import { Reserve, type Room } from './reserve.ts';

const LOOK_PAUSE_MS = 1000;
/** With so much more room than is asked for, the last look is good enough. */
const AMPLE_BYTES = 1024 * 1024 * 1024;
/** An upload that was refused counts as waiting for room so long. */
const REMEMBERED_MS = 60_000;
/** Written to find out whether a disk that refused a write takes one again, though it says that it has room: a quota. */
const PROBE_FILE = 'reserve.probe';
const PROBE_PIECE = Buffer.alloc(256 * 1024, 'moraine reserve probe ');
const LONGEST_PROBE_BYTES = 8 * 1024 * 1024;

type Part = 'data folder' | 'store' | 'audit log';

/** One file system, and what of the server lies on it. */
interface Area {
  readonly parts: readonly Part[];
  readonly reserve: Reserve;
  room: Room;
  /** Set while writes fail though there seems to be room: the error, and how much was being written. */
  refused: { readonly error: unknown; readonly bytes: number } | undefined;
  giving: Promise<boolean> | undefined;
  /** What was logged; undefined while all is well. */
  told: string | undefined;
}

export interface RoomWatchOptions {
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

export class RoomWatch {
  readonly #options: RoomWatchOptions;
  readonly #areas: readonly Area[];
  /** Bytes that uploads of this process have claimed and not yet written. */
  #underway = 0;
  /** The smallest upload that was refused lately. */
  #unmet: { readonly bytes: number; readonly atMs: number } | undefined;
  #looking: Promise<void> | undefined;
  /** When a request last failed for want of descriptors. */
  #withoutDescriptorsMs: number | undefined;

  private constructor(options: RoomWatchOptions, areas: readonly Area[]) {
    this.#options = options;
    this.#areas = areas;
  }

  /**
   * Gives up some of the reserve where a start would find no room.
   * @param options.folder has been made; what is missing in it counts as lying on its disk. @throws the I/O error.
   */
  static async open(options: RoomWatchOptions): Promise<RoomWatch> {
    const { folder, reserveBytes } = options;
    const home = (await stat(folder.path)).dev;
    const byDevice = new Map<number, { parts: Part[]; folder: string }>();
    for (const [part, path] of [
      ['data folder', folder.path],
      ['store', folder.store],
      ['audit log', folder.audit],
    ] as const) {
      const dev = (await stat(path).catch(missing))?.dev ?? home;
      const known = byDevice.get(dev) ?? { parts: [], folder: path };
      known.parts.push(part);
      byDevice.set(dev, known);
    }
    const areas: Area[] = [];
    for (const { parts, folder: of } of byDevice.values()) {
      const reserve = await Reserve.of(of, reserveBytes);
      const empty = { refused: undefined, giving: undefined, told: undefined };
      areas.push({ parts, reserve, room: await reserve.look(), ...empty });
    }
    const watch = new RoomWatch(options, areas);
    if (options.keeps) for (const area of areas) await watch.#keepFree(area);
    return watch;
  }

  /** Bytes of the store's reserve: nothing that is written again at once should need more. */
  get storeReserveBytes(): number {
    return this.#area('store').reserve.bytes;
  }

  /** Whether a quota of btrfs bounds the data folder. @throws the I/O error. */
  hasBtrfsLimit(): Promise<boolean> {
    return this.#area('data folder').reserve.hasBtrfsLimit();
  }

  /** What a part of the server asks for room on its disk. */
  of(part: Part): DiskRoom {
    const area = this.#area(part);
    return {
      claim: (bytes) => this.#claim(bytes),
      giveUp: () => this.#giveUp(area),
    };
  }

  /**
   * Refuses a change that uses up room once half of a reserve is gone: the rest is for what makes room, and for reading.
   * Uploads claim room by themselves. @throws Shortage.
   */
  async requireRoom({ name, method, body }: Operation): Promise<void> {
    if (method === 'DELETE' || name === 'InitiateJob' || body === 'upload') return;
    if (this.#areas.every((area) => isHalfLeft(area, AMPLE_BYTES))) return;
    await this.#look();
    const area = this.#areas.find((one) => !isHalfLeft(one, 0));
    if (area) throw new Shortage(`${fullText(area)} ${WHAT_GOES_ON}`, { changedNothing: true });
  }

  /** Why requests fail, in words without a path; undefined while they do not. */
  status(): string | undefined {
    if (this.#withoutDescriptorsMs !== undefined) {
      const sinceMs = this.#options.clock.now() - this.#withoutDescriptorsMs;
      if (sinceMs < REMEMBERED_MS) return 'The server had no file descriptors left for some requests.';
    }
    const area = this.#areas.find((one) => this.#isShort(one));
    return area && fullText(area);
  }

  /** A request failed with this. For a minute, health tells of descriptors that were missing. Never throws. */
  note(error: unknown): void {
    const code = passingCode(error);
    if (code === 'EMFILE' || code === 'ENFILE') this.#withoutDescriptorsMs = this.#options.clock.now();
  }

  /** Whether a small blob would find room. */
  hasRoom(): boolean {
    return this.#areas.every((area) => area.refused === undefined && spare(area) > 0);
  }

  /**
   * Looks at the disks every second, and keeps the reserve.
   * @param onShort called after each look while there is no room. @param onError called when a look failed.
   */
  start(onShort: () => Promise<void>, onError: (error: unknown) => void): Scheduled {
    const task = async (): Promise<void> => {
      await this.#look();
      for (const area of this.#areas) if (area.refused) await this.#probe(area, area.refused.bytes);
      if (this.#options.keeps) await this.#keepReserves();
      this.#tell();
      if (this.#areas.some((area) => this.#isShort(area))) await onShort();
    };
    return repeat(this.#options.pauseMs ?? LOOK_PAUSE_MS, task, onError);
  }

  #area(part: Part): Area {
    return this.#areas.find(({ parts }) => parts.includes(part)) as Area;
  }

  async #claim(bytes: number | null): Promise<RoomClaim> {
    await this.#requireRoomFor(bytes ?? 0);
    let left = bytes ?? 0;
    let isOpen = true;
    this.#underway += left;
    return {
      wrote: async (written) => {
        if (bytes === null) await this.#requireRoomFor(written);
        const done = Math.min(left, written);
        left -= done;
        this.#underway -= done;
      },
      end: (error) => {
        if (!isOpen) return;
        isOpen = false;
        this.#underway -= left;
        if (isDiskFull(error)) this.#refuse(this.#area('store'), { error, bytes: bytes ?? 0 });
      },
    };
  }

  /** A quota is seen by nothing but a write that fails: small writes get some room before they fail, too. */
  #refuse(area: Area, refused: NonNullable<Area['refused']>): void {
    if (!area.refused && area.room.held > area.reserve.bytes / 2) void this.#giveUp(area);
    area.refused = refused;
  }

  async #requireRoomFor(bytes: number): Promise<void> {
    if (this.#hasRoomFor(bytes + AMPLE_BYTES)) return;
    await this.#look();
    if (this.#hasRoomFor(bytes)) return;
    const nowMs = this.#options.clock.now();
    const before = this.#unmetNow()?.bytes ?? Number.POSITIVE_INFINITY;
    this.#unmet = { bytes: Math.min(bytes, before), atMs: nowMs };
    const area = this.#areas.find((one) => this.#isShort(one)) ?? this.#area('store');
    const text = `${fullText(area)} There is no room for another ${shownBytes(bytes)}.`;
    throw new Shortage(text, { changedNothing: true });
  }

  #hasRoomFor(bytes: number): boolean {
    return this.#areas.every((area) => {
      const wanted = area.parts.includes('store') ? bytes + this.#underway : 0;
      return !area.refused && spare(area) > 0 && spare(area) >= wanted;
    });
  }

  #isShort(area: Area): boolean {
    const unmet = area.parts.includes('store') ? (this.#unmetNow()?.bytes ?? 0) : 0;
    return area.refused !== undefined || spare(area) <= 0 || spare(area) < unmet;
  }

  #unmetNow(): { readonly bytes: number } | undefined {
    const isOld = this.#unmet && this.#options.clock.now() - this.#unmet.atMs > REMEMBERED_MS;
    return isOld ? undefined : this.#unmet;
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
      this.#areas.map(async (area) => {
        area.room = await area.reserve.look();
      }),
    );
  }

  /** Those who met the full disk together give up one step together. */
  #giveUp(area: Area): Promise<boolean> {
    area.giving ??= this.#giveUpStep(area).finally(() => {
      area.giving = undefined;
    });
    return area.giving;
  }

  async #giveUpStep(area: Area): Promise<boolean> {
    const { held } = area.room;
    const isGiven = await area.reserve.shrink();
    area.room = await area.reserve.look().catch(() => area.room);
    // Another process may have given up a step since the last look.
    return isGiven || area.room.held < held;
  }

  /** Gives up as much as small writes need, before they fail. Never throws. */
  async #keepFree(area: Area): Promise<void> {
    while (area.room.free < area.reserve.step && (await this.#giveUpStep(area)));
  }

  /** Keeps some room free, and makes the reserves again when there is room, a step at a time. @throws the I/O error. */
  async #keepReserves(): Promise<void> {
    for (const area of this.#areas) {
      const { reserve } = area;
      await this.#keepFree(area);
      const isWhole = area.refused !== undefined || area.room.held >= reserve.bytes;
      // Two steps must be left, so that it does not go to and fro.
      if (isWhole || area.room.free < 3 * reserve.step) continue;
      await reserve.grow().catch((error) => {
        if (!isDiskFull(error)) throw error;
      });
      area.room = await reserve.look();
    }
  }

  /** Whether a disk that refused a write takes as much again; so long nobody else is let try. */
  async #probe(area: Area, bytes: number): Promise<void> {
    // To try would take the last of what a quota leaves.
    if (spare(area) < bytes) return;
    const path = join(area.reserve.folder, PROBE_FILE);
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
      area.refused = undefined;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
    } finally {
      await unlink(path).catch(() => {});
    }
  }

  /** One line when a disk has become full, and one when it has room again. */
  #tell(): void {
    const { log, keeps } = this.#options;
    for (const area of this.#areas) {
      const isShort = this.#isShort(area);
      // What every process sees is told by one; what only this one met, by this one.
      const isMine = keeps || area.refused !== undefined || spare(area) > 0;
      const { folder } = area.reserve;
      if (isShort && isMine && area.told === undefined) {
        area.told = fullText(area);
        const { free, held } = area.room;
        log.error({ folder, freeBytes: free, reserveLeftBytes: held, err: area.refused?.error }, area.told);
      } else if (!isShort && area.told !== undefined) {
        area.told = undefined;
        log.info(
          { folder, freeBytes: area.room.free },
          `there is room again on the disk of the ${area.parts[0]}`,
        );
      }
    }
  }
}

const WHAT_GOES_ON = 'Until there is room again, only what reads and what deletes is done.';

/** What uploads may still take, in bytes; negative while the reserve is in use. */
function spare({ room, reserve }: Area): number {
  return room.free + room.held - reserve.bytes;
}

/** @param beyond bytes that there must be beside the half. */
function isHalfLeft({ room, reserve }: Area, beyond: number): boolean {
  return room.free + room.held >= reserve.bytes / 2 + beyond;
}

function fullText({ parts, room, reserve, refused }: Area): string {
  if (refused) return `The disk of the ${parts[0]} refuses writes: ${withoutPath(refused.error)}.`;
  const { free, held } = room;
  const rest =
    reserve.bytes > 0
      ? `, and ${shownBytes(held)} are held back of ${shownBytes(reserve.bytes)} in reserve`
      : '';
  return `The disk of the ${parts[0]} is full: ${shownBytes(free)} are free${rest}.`;
}

function shownBytes(bytes: number): string {
  if (bytes < 1024 * 1024) return `${bytes} bytes`;
  return `${(bytes / (1024 * 1024)).toFixed(1)} MiB`;
}
