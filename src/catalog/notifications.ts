import type { Job } from '../domain/job.ts';
import type { JobEvent, Notification, NotificationConfig } from '../domain/notification.ts';
import type {
  DeleteNotificationConfigArgs,
  DropNotificationArgs,
  FailNotificationArgs,
  LeaseNotificationsArgs,
  NotificationReads,
  NotificationWrites,
  RetryNotificationsArgs,
  SetNotificationConfigArgs,
} from '../domain/notification-catalog.ts';
import { type Page, type Paging, toPage } from '../domain/page.ts';
import { appendEntry } from './journal.ts';
import type { InTransaction, Source, Tx } from './transaction.ts';
import { lockVaultRow } from './vaults.ts';

export function notificationReads(source: Source): NotificationReads {
  return {
    findNotificationConfig: (vaultNo) => findConfig(source, vaultNo),
    listNotifications: (page) => listNotifications(source, page),
  };
}

export const notificationWrites: InTransaction<NotificationWrites> = {
  setNotificationConfig,
  deleteNotificationConfig,
  leaseNotifications,
  dropNotification,
  failNotification,
  retryNotifications,
};

async function findConfig({ db }: Source, vaultNo: number): Promise<NotificationConfig | undefined> {
  const row = await db
    .selectFrom('vault_notifications')
    .select(['topic', 'events'])
    .where('vault_no', '=', vaultNo)
    .executeTakeFirst();
  return row && { topic: row.topic, events: row.events.split(',') as JobEvent[] };
}

async function setNotificationConfig(tx: Tx, { vaultNo, config }: SetNotificationConfigArgs): Promise<void> {
  const { account, region, name } = await lockVaultRow(tx, vaultNo, 'to-change');
  const row = { topic: config.topic, events: config.events.join(',') };
  await tx.db
    .insertInto('vault_notifications')
    .values({ vault_no: vaultNo, ...row })
    .onConflict((c) => c.column('vault_no').doUpdateSet(row))
    .execute();
  await appendEntry(tx, { type: 'vault-notifications', account, region, vault: name, ...config });
}

async function deleteNotificationConfig(tx: Tx, { vaultNo }: DeleteNotificationConfigArgs): Promise<void> {
  const { account, region, name } = await lockVaultRow(tx, vaultNo, 'to-change');
  await tx.db.deleteFrom('vault_notifications').where('vault_no', '=', vaultNo).execute();
  await appendEntry(tx, {
    type: 'vault-notifications',
    account,
    region,
    vault: name,
    topic: null,
    events: [],
  });
}

/**
 * Adds a finished job's messages in the transaction that finishes it, so that none is lost or sent early. The vault's
 * topic and the job's own each get one, even if they are the same topic.
 */
export async function addNotifications(tx: Tx, job: Job, nowMs: number): Promise<void> {
  const config = await findConfig(tx, job.vaultNo);
  const event: JobEvent =
    job.kind === 'archive' ? 'ArchiveRetrievalCompleted' : 'InventoryRetrievalCompleted';
  const topics = [
    ...(config?.events.includes(event) ? [{ topic: config.topic, by: 'vault' }] : []),
    ...(job.topic === null ? [] : [{ topic: job.topic, by: 'job' }]),
  ];
  if (topics.length === 0) return;
  const message = tx.jobMessage(job, await lockVaultRow(tx, job.vaultNo, 'to-write-into'));
  const common = { message, created_ms: nowMs, tries: 0, state: 'waiting' as const, next_try_ms: nowMs };
  // Derived from the job's id, so that it is the same however often the message is sent.
  const rows = topics.map(({ topic, by }) => ({ ...common, id: `${by}-${job.id}`, topic }));
  await tx.db.insertInto('notifications').values(rows).execute();
}

async function listNotifications({ db }: Source, page: Paging<number>): Promise<Page<Notification>> {
  const rows = await db
    .selectFrom('notifications')
    .select(COLUMNS)
    .where('no', '>', page.after ?? 0)
    .orderBy('no')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows, page.limit);
}

const COLUMNS = [
  'no',
  'id',
  'topic',
  'message',
  'created_ms as createdMs',
  'tries',
  'state',
  'reason',
] as const;

async function leaseNotifications(
  tx: Tx,
  { nowMs, leaseMs, limit }: LeaseNotificationsArgs,
): Promise<readonly Notification[]> {
  const due = await tx.db
    .selectFrom('notifications')
    .select('no')
    .where('state', '=', 'waiting')
    .where('next_try_ms', '<=', nowMs)
    .orderBy('next_try_ms')
    .limit(limit)
    .$if(tx.engine.rowLocks, (q) => q.forUpdate().skipLocked())
    .execute();
  if (due.length === 0) return [];
  return tx.db
    .updateTable('notifications')
    .set((e) => ({ tries: e('tries', '+', 1), next_try_ms: nowMs + leaseMs }))
    .where(
      'no',
      'in',
      due.map(({ no }) => no),
    )
    .returning(COLUMNS)
    .execute();
}

async function dropNotification(tx: Tx, { no }: DropNotificationArgs): Promise<void> {
  await tx.db.deleteFrom('notifications').where('no', '=', no).execute();
}

async function failNotification(tx: Tx, { no, reason, nextTryMs }: FailNotificationArgs): Promise<void> {
  const next =
    nextTryMs === null
      ? { state: 'undeliverable' as const }
      : { state: 'waiting' as const, next_try_ms: nextTryMs };
  await tx.db
    .updateTable('notifications')
    .set({ ...next, reason })
    .where('no', '=', no)
    .execute();
}

async function retryNotifications(tx: Tx, { no, nowMs }: RetryNotificationsArgs): Promise<number> {
  const { numUpdatedRows } = await tx.db
    .updateTable('notifications')
    .set({ state: 'waiting', next_try_ms: nowMs, tries: 0 })
    .$if(no !== null, (q) => q.where('no', '=', no ?? 0))
    .executeTakeFirst();
  return Number(numUpdatedRows);
}
