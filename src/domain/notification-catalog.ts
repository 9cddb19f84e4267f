import type { Notification, NotificationConfig } from './notification.ts';
import type { Page, Paging } from './page.ts';

export interface NotificationReads {
  findNotificationConfig(vaultNo: number): Promise<NotificationConfig | undefined>;
  /** Oldest first; `after` is a notification's number. */
  listNotifications(page: Paging<number>): Promise<Page<Notification>>;
}

export interface SetNotificationConfigArgs {
  readonly vaultNo: number;
  readonly config: NotificationConfig;
}

export interface DeleteNotificationConfigArgs {
  readonly vaultNo: number;
}

export interface LeaseNotificationsArgs {
  readonly nowMs: number;
  readonly leaseMs: number;
  readonly limit: number;
}

export interface DropNotificationArgs {
  readonly no: number;
}

export interface FailNotificationArgs {
  readonly no: number;
  readonly reason: string;
  /** Null if it is not to be tried again. */
  readonly nextTryMs: number | null;
}

export interface RetryNotificationsArgs {
  /** Null for all. */
  readonly no: number | null;
  readonly nowMs: number;
}

export interface NotificationWrites {
  /** @throws Refusal not-found when the vault is gone. */
  setNotificationConfig(args: SetNotificationConfigArgs): Promise<void>;
  /** @throws Refusal not-found when the vault is gone. */
  deleteNotificationConfig(args: DeleteNotificationConfigArgs): Promise<void>;
  /** Leases due messages for `leaseMs` and counts a try of each. */
  leaseNotifications(args: LeaseNotificationsArgs): Promise<readonly Notification[]>;
  /** Deletes a message that its receiver has taken. */
  dropNotification(args: DropNotificationArgs): Promise<void>;
  /** Notes a failed try and when the next is due. */
  failNotification(args: FailNotificationArgs): Promise<void>;
  /** Makes messages due now, undeliverable ones too; returns how many. */
  retryNotifications(args: RetryNotificationsArgs): Promise<number>;
}
