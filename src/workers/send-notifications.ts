import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { MAX_TRIES, type Notification, pauseAfter } from '../domain/notification.ts';
import { NoReceiver, type Notifier } from '../domain/notifier.ts';

const MESSAGES_PER_BATCH = 16;
/** Longer than any delivery takes, so that no other process tries the same message meanwhile. */
const LEASE_MS = 60_000;

export interface NotificationDeps {
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly notifier: Notifier;
}

/**
 * Delivers every due message at least once: it is deleted only after its receiver has it. A failed one is retried after a
 * growing pause; after the last try it stays listed as undeliverable.
 */
export async function sendNotifications(deps: NotificationDeps): Promise<void> {
  const { catalog, clock } = deps;
  while ((await catalog.dueWork(clock.now())).messages) {
    const nowMs = clock.now();
    const messages = await catalog.leaseNotifications({
      nowMs,
      leaseMs: LEASE_MS,
      limit: MESSAGES_PER_BATCH,
    });
    if (messages.length === 0) return;
    await Promise.all(messages.map((message) => send(deps, message)));
  }
}

async function send({ catalog, clock, notifier }: NotificationDeps, message: Notification): Promise<void> {
  const { no, tries } = message;
  try {
    await notifier.deliver(message);
    await catalog.dropNotification({ no });
  } catch (error) {
    const hopeless = error instanceof NoReceiver || tries >= MAX_TRIES;
    const nextTryMs = hopeless ? null : clock.now() + pauseAfter(tries);
    const reason = error instanceof Error ? error.message : String(error);
    await catalog.failNotification({ no, reason: reason.slice(0, 1000), nextTryMs });
  }
}
