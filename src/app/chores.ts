/** What a server does by itself, beside answering requests. */
import type { Config } from '../config.ts';
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Notifier } from '../domain/notifier.ts';
import type { Logger } from '../log.ts';
import { notifierByTopic } from '../notifiers/by-topic.ts';
import { expireJobs } from '../workers/expire-jobs.ts';
import { expireUploads } from '../workers/expire-uploads.ts';
import { finishDueJobs } from '../workers/finish-jobs.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';
import { sendNotifications } from '../workers/send-notifications.ts';
import { sweepGarbage } from '../workers/sweep-garbage.ts';
import { takeInventories } from '../workers/take-inventories.ts';

const JOBS_PAUSE_MS = 200;
const NOTIFY_PAUSE_MS = 200;
const SWEEP_PAUSE_MS = 2000;
const EXPIRE_PAUSE_MS = 60_000;

export interface ChoreParts {
  readonly config: Config;
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Jobs and messages: every serving process takes its share, by lease. */
export function startSharedChores(parts: ChoreParts): Scheduled[] {
  const { config, clock } = parts;
  const notifier = notifierByTopic(config.notificationTargets, {
    clock,
    allowLocal: config.allowLocalWebhooks,
  });
  return [
    repeat(JOBS_PAUSE_MS, () => finishDueJobs(parts), failed(parts.log, 'finish jobs')),
    repeat(
      NOTIFY_PAUSE_MS,
      () => sendNotifications({ ...parts, notifier }),
      failed(parts.log, 'send notifications'),
    ),
  ];
}

/** Tidying: the first process alone. */
export function startOwnChores({ config, catalog, blobs, clock, log }: ChoreParts): Scheduled[] {
  return [
    repeat(SWEEP_PAUSE_MS, () => sweepGarbage(catalog, blobs), failed(log, 'sweep garbage')),
    repeat(EXPIRE_PAUSE_MS, () => expire({ config, catalog, clock }), failed(log, 'expire')),
  ];
}

async function expire({
  config,
  catalog,
  clock,
}: Pick<ChoreParts, 'config' | 'catalog' | 'clock'>): Promise<void> {
  if (config.inventoryIntervalMs !== null) await takeInventories(catalog, clock, config.inventoryIntervalMs);
  await expireUploads(catalog, clock, config);
  await expireJobs(catalog, clock);
}

/** Everything that is due, once, in order: what the emulator does when its clock was turned. */
export async function doDueWork(parts: ChoreParts): Promise<void> {
  const { config, clock } = parts;
  const notifier: Notifier = notifierByTopic(config.notificationTargets, {
    clock,
    allowLocal: config.allowLocalWebhooks,
  });
  await finishDueJobs(parts);
  await expire(parts);
  await sendNotifications({ ...parts, notifier });
}

function failed(log: Logger, chore: string): (err: unknown) => void {
  return (err) => log.error({ err, chore }, 'a chore failed and will be tried again');
}
