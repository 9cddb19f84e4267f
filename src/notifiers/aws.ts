/** Sends to SNS and SQS with the AWS SDK, which is optional and loaded for the first message. */
import type { Notification } from '../domain/notification.ts';
import { envelopeOf } from './envelope.ts';
import type { SnsTarget, SqsTarget } from './target.ts';

/** Time limit for connection and answer together. */
const TIMEOUT_MS = 10_000;

/** Publishes to the topic at an SNS-compatible endpoint. @throws the SDK's error. */
export async function publishToSns(
  { endpoint, region }: SnsTarget,
  { topic, message }: Notification,
): Promise<void> {
  const { PublishCommand, SNSClient } = await load(
    () => import('@aws-sdk/client-sns'),
    '@aws-sdk/client-sns',
  );
  const client = new SNSClient(clientOptions(endpoint, region ?? regionOf(topic)));
  try {
    await client.send(new PublishCommand({ TopicArn: topic, Message: message }), within());
  } finally {
    client.destroy();
  }
}

/** Sends the message to a queue, in the envelope that SNS uses for queues subscribed to a topic. @throws the SDK's error. */
export async function sendToSqs(
  { endpoint, region, queueUrl }: SqsTarget,
  notification: Notification,
): Promise<void> {
  const { SendMessageCommand, SQSClient } = await load(
    () => import('@aws-sdk/client-sqs'),
    '@aws-sdk/client-sqs',
  );
  const client = new SQSClient(clientOptions(endpoint, region ?? regionOf(notification.topic)));
  try {
    const MessageBody = JSON.stringify(envelopeOf(notification));
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, MessageBody }), within());
  } finally {
    client.destroy();
  }
}

/** Limits the time of a call, because the SDK would wait forever and delay other messages. */
function within(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(TIMEOUT_MS) };
}

const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

function clientOptions(endpoint: string | undefined, region: string) {
  return { region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) };
}

/**
 * The region in the topic's ARN, for the signature. The SDK refuses regions that cannot be part of a host name, such as
 * eu_west_1; for these, us-east-1, unless the target's `region` names another.
 */
function regionOf(topic: string): string {
  const region = topic.split(':')[3] ?? '';
  return HOST_LABEL.test(region) ? region : 'us-east-1';
}

async function load<Module>(importing: () => Promise<Module>, name: string): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    throw new Error(`this kind of notification target needs the package ${name}, which is not installed`, {
      cause,
    });
  }
}
