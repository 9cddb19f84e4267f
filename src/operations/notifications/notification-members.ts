import { invalidParameter, missingParameter, quote } from '../../domain/errors.ts';
import { JOB_EVENTS, type JobEvent } from '../../domain/notification.ts';
import { isRegion } from '../../domain/vault.ts';

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
