/** The emulator: the same server over a clock that can be turned, with faults on demand. */
import type { DiskStore } from '../blobs/disk.ts';
import { SettingError } from '../config.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { ApiError } from '../domain/errors.ts';
import { LOCK_NOTES } from '../domain/lock-note.ts';
import type { Emulator, Fault } from '../protocol/control.ts';

/** Names the mode that the catalog is of: `normal` or `emulator`. */
export const MODE_SETTING = 'mode';
const OFFSET_SETTING = 'emulator-clock-offset-ms';
/** Events closer together than this are taken in one step when the clock is turned. */
const STEP_MS = 60_000;

/** Real time and an offset that only grows. */
export class TurnableClock implements Clock {
  readonly #real: Clock;
  #offsetMs: number;

  constructor(real: Clock, offsetMs: number) {
    this.#real = real;
    this.#offsetMs = offsetMs;
  }

  now(): number {
    return this.#real.now() + this.#offsetMs;
  }

  /** Turns on to this time; a time that has passed changes nothing. @returns the offset. */
  turnTo(ms: number): number {
    this.#offsetMs += Math.max(0, ms - this.now());
    return this.#offsetMs;
  }
}

/**
 * Keeps emulated and real archives apart: a data folder belongs to the mode that first used it, unless it
 * holds no vault yet.
 * @throws SettingError.
 */
export async function claimMode(catalog: Catalog, emulator: boolean): Promise<void> {
  const mode = emulator ? 'emulator' : 'normal';
  const stored = await catalog.initSetting({ name: MODE_SETTING, value: mode });
  if (stored === mode) return;
  if (!(await catalog.hasVaults())) return catalog.setSetting({ name: MODE_SETTING, value: mode });
  const was = stored === 'normal' ? 'normal use' : 'the emulator';
  throw new SettingError(
    `the data folder holds vaults from ${was}: give --data another folder${emulator ? ' for --emulator' : ''}`,
  );
}

/** The turned clock goes on where it stood when the emulator was stopped. */
export async function openTurnableClock(catalog: Catalog, real: Clock): Promise<TurnableClock> {
  return new TurnableClock(real, Number((await catalog.findSetting(OFFSET_SETTING)) ?? 0));
}

export interface EmulatorParts {
  readonly catalog: Catalog;
  readonly blobs: DiskStore;
  readonly clock: TurnableClock;
  readonly inventoryIntervalMs: number | null;
  /** Whether the store says, at this moment, that an emulator made it. */
  isEmulated(): Promise<boolean>;
  /** Does everything that is due now. */
  doDueWork(): Promise<void>;
}

/** The emulator's controls, and the hook that makes operations fail. */
export function createEmulator(parts: EmulatorParts): Emulator & { beforeRun(operation: string): void } {
  const { catalog, blobs, clock } = parts;
  let faults: Fault[] = [];
  const nextEventMs = () => catalog.nextEventMs(parts.inventoryIntervalMs);
  return {
    now: () => clock.now(),
    nextEventMs,
    async advanceTo(ms) {
      let step = clock.now();
      // Once at least: what real time has made due meanwhile is to be done, too.
      do {
        const next = (await nextEventMs()) ?? ms;
        step = Math.min(ms, Math.max(next, step + STEP_MS));
        await catalog.setSetting({ name: OFFSET_SETTING, value: String(clock.turnTo(step)) });
        await parts.doDueWork();
      } while (step < ms);
    },
    async reset() {
      // Whatever led here: what a server keeps for somebody must not be erased.
      if (!(await parts.isEmulated())) {
        throw new ApiError(
          'InvalidParameterValueException',
          'This store was not made by an emulator, so it is not erased.',
        );
      }
      await catalog.forgetVaults({});
      for (const name of await blobs.noteNames(LOCK_NOTES)) await blobs.removeNote(name);
      await blobs.clear();
    },
    setFault(fault) {
      faults = faults.filter(({ operation }) => operation !== fault.operation);
      if (fault.times > 0) faults.push(fault);
    },
    faults: () => faults,
    beforeRun(operation) {
      const fault = faults.find((waiting) => waiting.operation === operation);
      if (!fault) return;
      this.setFault({ ...fault, times: fault.times - 1 });
      throw new ApiError(fault.code, `This error was asked for at /_moraine/emulator/faults: ${fault.code}`);
    },
  };
}
