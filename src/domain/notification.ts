import { invalidParameter, missingParameter, quote } from './errors.ts';
import { isRegion } from './vault.ts';

/** What a vault's notification configuration may ask for. */
const JOB_EVENTS = ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'] as const;
export type JobEvent = (typeof JOB_EVENTS)[number];

/** Where to send messages about a vault's finished jobs, and about which. */
export interface NotificationConfig {
  readonly topic: string;
  readonly events: readonly JobEvent[];
}

/** A message on its way to a topic. */
export interface Notification {
  readonly no: number;
  /** The same in every try, so that receivers recognize repeats. */
  readonly id: string;
  readonly topic: string;
  /** JSON text of the job, as DescribeJob gives it. */
  readonly message: string;
  readonly createdMs: number;
  /** Deliveries tried so far. */
  readonly tries: number;
  readonly state: 'waiting' | 'undeliverable';
  /** Why the last try failed; null before the first. */
  readonly reason: string | null;
}

/** Tries before a message counts as undeliverable: with the pauses below, over three days. */
export const MAX_TRIES = 25;
const FIRST_PAUSE_MS = 5000;
const LONGEST_PAUSE_MS = 4 * 3_600_000;

/** How long to wait after the n-th failed try (n ≥ 1), ms: doubling from 5 s to 4 h. */
export function pauseAfter(tries: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (tries - 1), LONGEST_PAUSE_MS);
}

/**
 * A topic's ARN, in the region of the request. Does not check that the topic exists.
 * @throws Refusal invalid, with the service's text for another region.
 */
export function parseTopic(raw: unknown, region: string): string {
  const match =
    typeof raw === 'string' ? /^arn:aws[a-z-]*:sns:([^:]+):\d{12}:[A-Za-z0-9_.-]{1,256}$/.exec(raw) : null;
  if (match === null || !isRegion(match[1] ?? ''))
    throw invalidParameter(`Invalid SNSTopic: ${quote(raw)}. It must be the ARN of an SNS topic.`);
  if (match[1] !== region) throw invalidParameter(`SNS topics must be in the local AWS region: ${match[0]}`);
  return match[0];
}

/** `Events` of SetVaultNotifications: not empty, each a known event; repeats count once. @throws Refusal. */
export function parseEvents(raw: unknown): readonly JobEvent[] {
  if (raw === undefined || raw === null) throw missingParameter('Events');
  if (!Array.isArray(raw) || raw.length === 0)
    throw invalidParameter('Invalid Events: it must list at least one event.');
  const odd = raw.find((event) => !JOB_EVENTS.includes(event));
  if (odd !== undefined) {
    throw invalidParameter(`Invalid event: ${quote(odd)}. The events are ${JOB_EVENTS.join(' and ')}.`);
  }
  return JOB_EVENTS.filter((event) => raw.includes(event));
}

/** The envelope in which SNS delivers a message. Every value is a string: one client requires it. */
export interface Envelope {
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
