/** What a server does by itself, beside answering requests. */
import type { Config } from '../config/read.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Logger } from '../log.ts';
import { notifierByTopic } from '../notifiers/by-topic.ts';
import { expireJobs } from '../workers/expire-jobs.ts';
import { expireUploads } from '../workers/expire-uploads.ts';
import { finishDueInventories, finishDueRetrievals } from '../workers/finish-jobs.ts';
import { drainOutbox } from '../workers/recover-store.ts';
import { removeAside } from '../workers/remove-aside.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { sendNotifications } from '../workers/send-notifications.ts';
import { sweepGarbage } from '../workers/sweep-garbage.ts';
import { takeInventories } from '../workers/take-inventories.ts';
import { ShortageLog } from './shortage-log.ts';
import type { SpaceWatch } from './space-watch.ts';
import { systemClock } from './system.ts';

const JOBS_PAUSE_MS = 200;
const NOTIFY_PAUSE_MS = 200;
const SWEEP_PAUSE_MS = 2000;
const COMPACT_PAUSE_MS = 10_000;
const JOURNAL_PAUSE_MS = 5000;
const EXPIRE_PAUSE_MS = 60_000;
const SAME_FAILURE_MS = 60_000;
const ASIDE_PAUSE_MS = 600_000;

export interface ChoreDeps {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
  readonly space: SpaceWatch;
}

/** The work of jobs and messages. Each kind is done in turn within a process, whoever asks for it. */
export interface DueWork {
  retrievals(): Promise<void>;
  /** Apart, because one may take long and nobody's retrieval should wait for it. */
  inventories(): Promise<void>;
  messages(): Promise<void>;
}

export function dueWorkOf(deps: ChoreDeps): DueWork {
  const { config } = deps;
  // Receivers judge a webhook's time stamp by real time, also where an emulator's clock was turned.
  const options = { clock: systemClock, allowLocal: config.allowLocalWebhooks };
  const notifier = notifierByTopic(config.notificationTargets, options);
  return {
    retrievals: serialize(() => finishDueRetrievals(deps)),
    // Inventories wait for room: their outputs never use the reserve.
    inventories: serialize(async () => {
      if (deps.space.hasSpace()) await finishDueInventories(deps);
    }),
    messages: serialize(() => sendNotifications({ ...deps, notifier })),
  };
}

/** A run begins when the one before has come to its end: so who waits for his own run waits for all before it. */
function serialize(task: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  return () => {
    last = last.catch(() => {}).then(task);
    return last;
  };
}

/** Jobs and messages: every serving process takes its share, by lease. */
export function startSharedChores({ log }: ChoreDeps, due: DueWork): Scheduled[] {
  return [
    repeat(JOBS_PAUSE_MS, due.retrievals, logChoreFailure(log, 'finish retrievals')),
    repeat(JOBS_PAUSE_MS, due.inventories, logChoreFailure(log, 'make inventories')),
    repeat(NOTIFY_PAUSE_MS, due.messages, logChoreFailure(log, 'send notifications')),
  ];
}

/**
 * Watches the disks, in every process. On a full one, the pack that is written to is ended, so that what is deleted in it
 * gives room back.
 */
export function watchSpace({ blobs, log, space }: Pick<ChoreDeps, 'blobs' | 'log' | 'space'>): Scheduled {
  return space.start(() => blobs.sealPack(), logChoreFailure(log, 'look at the disks'));
}

/** Tidying: the first process alone. */
export function startPrimaryChores(deps: Omit<ChoreDeps, 'space'>): Scheduled[] {
  const { config, catalog, blobs, clock, log } = deps;
  const journaled = new Set<number>();
  // On SQLite the one writer journals all by itself; on PostgreSQL a process may die before it does.
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
    // At once after a start: the process before may never have lived long enough for it.
    repeat(SWEEP_PAUSE_MS, () => sweepGarbage(catalog, blobs), logChoreFailure(log, 'sweep garbage'), 0),
    repeat(COMPACT_PAUSE_MS, () => blobs.compact(), logChoreFailure(log, 'compact packs'), 0),
    ...journaling,
    repeat(EXPIRE_PAUSE_MS, () => expire({ config, catalog, clock }), logChoreFailure(log, 'expire')),
    repeat(ASIDE_PAUSE_MS, () => removeOldAside(deps), logChoreFailure(log, 'remove what was set aside'), 0),
  ];
}

function removeOldAside({ config, catalog, blobs, clock, log }: Omit<ChoreDeps, 'space'>): Promise<void> {
  return removeAside(catalog, blobs, {
    nowMs: clock.now(),
    keepMs: config.keepAsideMs,
    onRemoved: (blob) =>
      log.warn(blob, 'removed what was set aside: it was in the store and not in the catalog'),
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
}

/** Everything that is due, once, in order: what the emulator does when its clock was turned. */
export async function doDueWork(deps: ChoreDeps, due: DueWork): Promise<void> {
  await due.retrievals();
  await due.inventories();
  await expire(deps);
  await due.messages();
}

/**
 * Logs the failures of a chore that comes again and again: once a minute, and at once when the reason changes.
 * @param chore what it does, for the line.
 */
export function logChoreFailure(log: Logger, chore: string): (err: unknown) => void {
  const shortages = new ShortageLog(log, systemClock);
  let told = { text: '', untilMs: 0 };
  return (err) => {
    if (shortages.take(err, { chore })) return;
    const nowMs = systemClock.now();
    if (String(err) === told.text && nowMs < told.untilMs) return;
    told = { text: String(err), untilMs: nowMs + SAME_FAILURE_MS };
    log.error({ err, chore }, 'a chore failed and will be tried again');
  };
}
