/** The clocks of a server: one that dates archives, and the trusted time by which locked archives age. */
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import type { Logger } from '../log.ts';
import type { Scheduled } from '../workers/schedule.ts';
import { logChoreFailure } from './chores.ts';
import { openTurnableClock } from './emulator.ts';
import { systemClock } from './system.ts';
import { type ReadClocks, TrustedClock } from './trusted-clock.ts';

interface ServerClocksDeps {
  readonly config: Pick<Config, 'emulator' | 'maxStopLeapMs'>;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly log: Logger;
}

interface ServerClocks {
  readonly clock: Clock;
  readonly trustedTime: TrustedTime;
  /** The chore that keeps trusted time in the store. */
  readonly keeping: readonly Scheduled[];
}

/**
 * The emulator's clock can be set, and locks age by it. A real server dates archives no earlier than trusted time, even
 * if the wall clock is wrong.
 * @throws ClockWentBack when the wall clock is behind the time in the store.
 */
export async function openServerClocks(
  { config, catalog, blobs, log }: ServerClocksDeps,
  read: ReadClocks,
): Promise<ServerClocks> {
  const { emulator, maxStopLeapMs } = config;
  if (emulator) {
    const clock = await openTurnableClock(catalog, systemClock);
    const now = (): number => clock.now();
    return { clock, trustedTime: { nowMs: now, latestMs: now, canDelete: () => true }, keeping: [] };
  }
  const onLeap = (): void =>
    log.error('the clock leaped forward: locked archives do not age until `moraine lock confirm-time` runs');
  const onUnreadable = (err: unknown): void =>
    log.warn(
      { err },
      'the note of `moraine lock confirm-time` in the store cannot be read and has no effect',
    );
  const deps = { blobs, read, maxStopLeapMs, keeps: true, onLeap, onUnreadable };
  const trustedTime = await TrustedClock.open(deps);
  if (trustedTime.leaped) onLeap();
  return {
    clock: { now: () => trustedTime.latestMs() },
    trustedTime,
    keeping: [trustedTime.schedule(logChoreFailure(log, 'keep trusted time'))],
  };
}
