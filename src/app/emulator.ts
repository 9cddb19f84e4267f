/** The emulator: a server whose clock can be set, with faults on demand. */
import type { DiskStore } from '../blobs/disk/disk-store.ts';
import { SettingError } from '../config/errors.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { invalidParameter } from '../domain/errors.ts';
import { LOCK_NOTES } from '../domain/lock-note.ts';
import { PEOPLE_JOURNALED_SETTING } from '../domain/setting-catalog.ts';
import type { Emulator } from '../protocol/control.ts';
import type { Fault, Faults } from '../protocol/faults.ts';

/** The catalog's setting for its mode: `normal` or `emulator`. */
export const MODE_SETTING = 'mode';
const OFFSET_SETTING = 'emulator-clock-offset-ms';
/** When the clock is set forward, events closer together than this happen in one step. */
const STEP_MS = 60_000;

/** Real time plus an offset. */
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

  /** Real time, ms since the epoch. */
  realMs(): number {
    return this.#real.now();
  }

  /** Sets the clock forward to `ms`; does nothing for a time in the past. @returns the offset, ms. */
  turnTo(ms: number): number {
    this.#offsetMs += Math.max(0, ms - this.now());
    return this.#offsetMs;
  }

  /** Sets the clock back to `ms`; does nothing for a time in the future. @returns the offset, ms. */
  turnBackTo(ms: number): number {
    this.#offsetMs -= Math.max(0, this.now() - ms);
    return this.#offsetMs;
  }
}

/**
 * Keeps emulated and real archives apart: once a data folder holds a vault, it belongs to the mode that used it first.
 * @throws SettingError when it belongs to the other mode.
 */
export async function claimMode(catalog: Catalog, emulator: boolean): Promise<void> {
  const mode = emulator ? 'emulator' : 'normal';
  const stored = await catalog.initSetting({ name: MODE_SETTING, value: mode });
  if (stored === mode) return;
  if (!(await catalog.hasVaults())) {
    // An emulator that was reset has erased entries.
    await catalog.setSetting({ name: PEOPLE_JOURNALED_SETTING, value: 'false' });
    return catalog.setSetting({ name: MODE_SETTING, value: mode });
  }
  const was = stored === 'normal' ? 'normal use' : 'the emulator';
  throw new SettingError(
    `the data folder holds vaults from ${was}: give --data another folder${emulator ? ' for --emulator' : ''}`,
  );
}

/** Opens the clock with the offset that it had when the emulator was stopped. */
export async function openTurnableClock(catalog: Catalog, real: Clock): Promise<TurnableClock> {
  return new TurnableClock(real, Number((await catalog.findSetting(OFFSET_SETTING)) ?? 0));
}

export interface EmulatorDeps {
  readonly catalog: Catalog;
  readonly blobs: DiskStore;
  readonly clock: TurnableClock;
  readonly inventoryIntervalMs: number | null;
  /** Whether an emulator created the store; read from the store each time. */
  isEmulated(): Promise<boolean>;
  /** Host names, in lower case, that may be used to reach the controls. */
  readonly hosts: readonly string[];
  /** Does all work that is due now. */
  doDueWork(): Promise<void>;
}

/** The emulator as the server uses it: its controls, and the pending faults. */
export interface RunningEmulator extends Emulator {
  readonly waiting: Faults;
  /** Ends all pending latencies, so that a stop does not wait for them. */
  stop(): void;
}

export function createEmulator(deps: EmulatorDeps): RunningEmulator {
  const { catalog, blobs, clock } = deps;
  const stopping = new AbortController();
  let faults: Fault[] = [];
  let lastTurn: Promise<void> = Promise.resolve();
  const nextEventMs = () => catalog.nextEventMs(deps.inventoryIntervalMs);
  const keepOffset = (offsetMs: number) =>
    catalog.setSetting({ name: OFFSET_SETTING, value: String(offsetMs) });

  const setFault = (fault: Fault): void => {
    faults = faults.filter(({ operation }) => operation !== fault.operation);
    if (fault.times > 0) faults.push(fault);
  };
  const take = (operation: string): Fault | undefined => {
    const fault = faults.find((waiting) => waiting.operation === operation);
    if (fault) setFault({ ...fault, times: fault.times - 1 });
    return fault;
  };
  /** Runs at least one step, because real time may have made work due. */
  const goOnTo = async (ms: number): Promise<void> => {
    let step = clock.now();
    do {
      const next = (await nextEventMs()) ?? ms;
      step = Math.min(ms, Math.max(next, step + STEP_MS));
      await keepOffset(clock.turnTo(step));
      await deps.doDueWork();
    } while (step < ms);
  };
  /** Serializes changes of the clock: two at once, one forward and one back, would leave it anywhere. */
  const inTurn = (turn: () => Promise<void>): Promise<void> => {
    const turned = lastTurn.then(turn);
    lastTurn = turned.catch(() => {});
    return turned;
  };

  return {
    hosts: new Set(deps.hosts),
    now: () => clock.now(),
    realMs: () => clock.realMs(),
    nextEventMs,
    advanceTo: (ms) => inTurn(() => goOnTo(ms)),
    setTo: (ms) =>
      inTurn(async () => {
        await keepOffset(clock.turnBackTo(ms));
        await goOnTo(ms);
      }),
    async reset() {
      // Never erase the store of a real server, whatever led here.
      if (!(await deps.isEmulated()))
        throw invalidParameter('This store was not made by an emulator, so it is not erased.');
      faults = [];
      await catalog.forgetVaults({});
      for (const name of await blobs.noteNames(LOCK_NOTES)) await blobs.removeNote(name);
      await blobs.clear();
    },
    setFault,
    clearFaults() {
      faults = [];
    },
    faults: () => faults,
    waiting: { take, stopping: stopping.signal },
    stop: () => stopping.abort(),
  };
}
