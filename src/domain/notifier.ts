import type { Notification } from './notification.ts';

/** Brings messages to whoever listens to a topic. */
export interface Notifier {
  /**
   * Resolves when the receiver has the message. A message may come twice; its id tells.
   * @throws NoReceiver when nobody is known for the topic; any other error for a try that failed.
   */
  deliver(notification: Notification): Promise<void>;
}

/** No settings say where messages of this topic go: trying again would not help. */
export class NoReceiver extends Error {
  constructor(topic: string) {
    super(`no notification target is set for the topic ${topic}`);
    this.name = 'NoReceiver';
  }
}
