import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Clock } from '../domain/clock.ts';
import type { Notification } from '../domain/notification.ts';
import { envelopeOf } from './envelope.ts';
import { isLocalAddress, LocalAddress, publicLookup } from './public-address.ts';
import type { WebhookTarget } from './target.ts';

/** Time limit for connection and answer together. */
const TIMEOUT_MS = 10_000;

export interface WebhookDeps {
  readonly clock: Clock;
  /** Whether targets on link-local, private and loopback addresses are allowed. */
  readonly allowLocal: boolean;
}

/**
 * Posts a message as SNS does for HTTP(S) subscribers. Signs it by the Standard Webhooks scheme (headers webhook-id,
 * webhook-timestamp, webhook-signature), so that the receiver can verify it without certificates of AWS. Does not follow
 * redirects.
 * @throws for a local address, a timeout, or any answer but a 2xx.
 */
export async function postWebhook(
  { url: text, secret }: WebhookTarget,
  notification: Notification,
  { clock, allowLocal }: WebhookDeps,
): Promise<void> {
  const url = new URL(text);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (!allowLocal && isIP(host) !== 0 && isLocalAddress(host)) throw new LocalAddress(host, host);
  const body = JSON.stringify(envelopeOf(notification));
  const at = new Date(clock.now());
  const headers = {
    'Content-Type': 'text/plain; charset=UTF-8',
    'Content-Length': Buffer.byteLength(body),
    'User-Agent': 'Moraine',
    'x-amz-sns-message-type': 'Notification',
    'x-amz-sns-message-id': notification.id,
    'x-amz-sns-topic-arn': notification.topic,
    'webhook-id': notification.id,
    'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
    'webhook-signature': new Webhook(secret).sign(notification.id, at, body),
  };
  const status = await post(url, headers, body, allowLocal);
  if (status < 200 || status > 299) throw new Error(`the webhook answered ${status}`);
}

function post(
  url: URL,
  headers: Record<string, string | number>,
  body: string,
  allowLocal: boolean,
): Promise<number> {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const options = { method: 'POST', headers, timeout: TIMEOUT_MS, agent: false as const };
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      { ...options, ...(allowLocal ? {} : { lookup: publicLookup }) },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    // The socket's timeout applies only to silence; this one also ends an answer that trickles.
    const deadline = setTimeout(
      () => outgoing.destroy(new Error('the webhook did not answer in time')),
      TIMEOUT_MS,
    );
    outgoing.on('error', reject).on('close', () => clearTimeout(deadline));
    outgoing.end(body);
  });
}
