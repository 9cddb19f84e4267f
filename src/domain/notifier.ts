import type { Notification } from './notification.ts';

/** Delivers messages to the receiver of a topic. */
export interface Notifier {
  /**
   * Resolves when the receiver has the message. It may be delivered twice, with the same id.
   * @throws NoReceiver when no receiver is set for the topic; any other error for a failed try.
   */
  deliver(notification: Notification): Promise<void>;
}

/** No setting names a receiver of this topic, so a retry would not help. */
export class NoReceiver extends Error {
  constructor(topic: string) {
    super(`no notification target is set for the topic ${topic}`);
    this.name = 'NoReceiver';
  }
}
