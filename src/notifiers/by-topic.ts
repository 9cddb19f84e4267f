import { NoReceiver, type Notifier } from '../domain/notifier.ts';
import { publishToSns, sendToSqs } from './aws.ts';
import type { NotificationTargets } from './target.ts';
import { postWebhook, type WebhookDeps } from './webhook.ts';

/** Delivers each message to the target that the settings name for its topic. */
export function notifierByTopic(targets: NotificationTargets, options: WebhookDeps): Notifier {
  return {
    async deliver(notification) {
      const target = ownTarget(targets, notification.topic) ?? ownTarget(targets, '*');
      if (!target) throw new NoReceiver(notification.topic);
      if (target.type === 'webhook') await postWebhook(target, notification, options);
      else if (target.type === 'sns') await publishToSns(target, notification);
      else await sendToSqs(target, notification);
    },
  };
}

function ownTarget(targets: NotificationTargets, topic: string) {
  return Object.hasOwn(targets, topic) ? targets[topic] : undefined;
}
