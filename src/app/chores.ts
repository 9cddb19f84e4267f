/** Chores: what a server does without a request. */
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../log.ts';
import { notifierByTopic } from '../notifiers/by-topic.ts';
import { expireJobs } from '../workers/expire-jobs.ts';
import { expireTasks } from '../workers/expire-tasks.ts';
import { expireUploads } from '../workers/expire-uploads.ts';
import { finishDueInventories, finishDueRetrievals } from '../workers/finish-jobs.ts';
import { drainOutbox } from '../workers/recover-store.ts';
import { removeAside } from '../workers/remove-aside.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { sendNotifications } from '../workers/send-notifications.ts';
import { sweepGarbage } from '../workers/sweep-garbage.ts';
import { takeInventories } from '../workers/take-inventories.ts';
import { ReasonLimiter } from './reason-limiter.ts';
import { ShortageLog } from './shortage-log.ts';
import type { SpaceWatch } from './space-watch.ts';
import { systemClock } from './system.ts';

const JOBS_PAUSE_MS = 200;
const NOTIFY_PAUSE_MS = 200;
const SWEEP_PAUSE_MS = 2000;
const COMPACT_PAUSE_MS = 10_000;
const JOURNAL_PAUSE_MS = 5000;
const EXPIRE_PAUSE_MS = 60_000;
const ASIDE_PAUSE_MS = 600_000;

/** What each serving process does for health. */
export const LOOK_AT_DAMAGE = 'count the damage on record';

export interface ChoreDeps {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly space: SpaceWatch;
}

/** Work on jobs and messages that is due. Runs of each kind are serialized within a process. */
export interface DueWork {
  retrievals(): Promise<void>;
  /** Separate, because an inventory may take long and retrievals should not wait for it. */
  inventories(): Promise<void>;
  messages(): Promise<void>;
}

export function dueWorkOf(deps: ChoreDeps): DueWork {
  const { config } = deps;
  // Receivers compare a webhook's time stamp with real time, even if the emulator's clock is set differently.
  const options = { clock: systemClock, allowLocal: config.allowLocalWebhooks };
  const notifier = notifierByTopic(config.notificationTargets, options);
  return {
    retrievals: serialize(() => finishDueRetrievals(deps)),
    // Inventories wait for room, because their outputs must not use the reserve.
    inventories: serialize(async () => {
      if (deps.space.hasSpace()) await finishDueInventories(deps);
    }),
    messages: serialize(() => sendNotifications({ ...deps, notifier })),
  };
}

/** Serializes the runs of a task: each begins when the previous one has ended. A call resolves when its own run ends. */
function serialize(task: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.catch(() => {}).then(task);
    return last;
  };
}

/** Starts the chores of every serving process. They share jobs and messages by lease. */
export function startSharedChores({ log }: ChoreDeps, due: DueWork): Scheduled[] {
  return [
    repeat(JOBS_PAUSE_MS, due.retrievals, logChoreFailure(log, 'finish retrievals')),
    repeat(JOBS_PAUSE_MS, due.inventories, logChoreFailure(log, 'make inventories')),
    repeat(NOTIFY_PAUSE_MS, due.messages, logChoreFailure(log, 'send notifications')),
  ];
}

/**
 * Watches the disks; runs in every process. When a disk is full, seals the pack being written, so that compaction can
 * free the room of its deleted blobs.
 */
export function watchSpace({ blobs, log, space }: Pick<ChoreDeps, 'blobs' | 'log' | 'space'>): Scheduled {
  return space.start(() => blobs.sealPack(), logChoreFailure(log, 'look at the disks'));
}

/** Starts the chores that only the primary runs. */
export function startPrimaryChores(deps: Omit<ChoreDeps, 'space'>): Scheduled[] {
  const { config, catalog, blobs, clock, log } = deps;
  const journaled = new Set<number>();
  // On SQLite the only writer journals its entries. On PostgreSQL a process may die before it journals its own.
  const journaling =
    config.catalogUrl === undefined
      ? []
      : [
          repeat(
            JOURNAL_PAUSE_MS,
            () => drainOutbox(catalog, blobs, journaled),
            logChoreFailure(log, 'journal'),
          ),
        ];
  return [
    // Runs at once after a start: earlier processes may have ended too early to sweep.
    repeat(SWEEP_PAUSE_MS, () => sweepGarbage(catalog, blobs), logChoreFailure(log, 'sweep garbage'), 0),
    repeat(COMPACT_PAUSE_MS, () => blobs.compact(), logChoreFailure(log, 'compact packs'), 0),
    ...journaling,
    repeat(EXPIRE_PAUSE_MS, () => expire({ config, catalog, clock }), logChoreFailure(log, 'expire')),
    repeat(ASIDE_PAUSE_MS, () => removeOldAside(deps), logChoreFailure(log, 'remove blobs set aside'), 0),
  ];
}

function removeOldAside({ config, catalog, blobs, clock, log }: Omit<ChoreDeps, 'space'>): Promise<void> {
  return removeAside(catalog, blobs, {
    nowMs: clock.now(),
    keepMs: config.keepAsideMs,
    onRemoved: (blob) =>
      log.warn(blob, 'removed a blob that had been set aside because the catalog did not name it'),
  });
}

async function expire({
  config,
  catalog,
  clock,
}: Pick<ChoreDeps, 'config' | 'catalog' | 'clock'>): Promise<void> {
  if (config.inventoryIntervalMs !== null) await takeInventories(catalog, clock, config.inventoryIntervalMs);
  await expireUploads(catalog, clock, config);
  await expireJobs(catalog, clock);
  await expireTasks(catalog, clock);
}

/** Does all due work once, in order. The emulator calls this after its clock was set. */
export async function doDueWork(deps: ChoreDeps, due: DueWork): Promise<void> {
  await due.retrievals();
  await due.inventories();
  await expire(deps);
  await due.messages();
}

/**
 * Logs failures of a repeated chore: each new reason at once, the same reason once a minute.
 * @param chore what it does, for the log line.
 */
export function logChoreFailure(log: Logger, chore: string): (err: unknown) => void {
  const shortages = new ShortageLog(log, systemClock);
  const limiter = new ReasonLimiter();
  return (err) => {
    if (shortages.take(err, { chore })) return;
    const leftOut = limiter.take(String(err), systemClock.now());
    if (leftOut === undefined) return;
    log.error({ err, chore, ...(leftOut > 0 ? { leftOut } : {}) }, 'a chore failed and will be retried');
  };
}
