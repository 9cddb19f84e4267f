import type { Notification } from '../domain/notification.ts';

/** The envelope in which SNS delivers a message. Every value is a string: one client requires it. */
interface Envelope {
  readonly Type: 'Notification';
  readonly MessageId: string;
  readonly TopicArn: string;
  readonly Message: string;
  readonly Timestamp: string;
}

/** The envelope of a notification (SNS, "HTTP/HTTPS notification JSON format", without its X.509 signature). */
export function envelopeOf({
  id,
  topic,
  message,
  createdMs,
}: Omit<Notification, 'no' | 'tries' | 'state' | 'reason'>): Envelope {
  return {
    Type: 'Notification',
    MessageId: id,
    TopicArn: topic,
    Message: message,
    Timestamp: new Date(createdMs).toISOString(),
  };
}
