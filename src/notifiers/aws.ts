/** SNS and SQS through the AWS SDK, which is optional and loaded when the first message needs it. */
import { envelopeOf, type Notification } from '../domain/notification.ts';
import type { SnsTarget, SqsTarget } from './target.ts';

/** Connection and answer together. */
const TIMEOUT_MS = 10_000;

/** Publishes to the topic at an SNS-compatible endpoint. @throws what the SDK throws. */
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

/** Puts the message into a queue, in the envelope that a queue subscribed to the topic would get. */
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

/** An endpoint that hangs must not hold the other messages: the SDK itself waits for ever. */
function within(): { abortSignal: AbortSignal } {
  return { abortSignal: AbortSignal.timeout(TIMEOUT_MS) };
}

const HOST_LABEL = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/;

function clientOptions(endpoint: string | undefined, region: string) {
  return { region, maxAttempts: 1, ...(endpoint === undefined ? {} : { endpoint }) };
}

/**
 * The region of the topic's ARN, which the message is signed for. The SDK refuses names that cannot be a part of a
 * host's name, such as eu_west_1: for these it signs for us-east-1, and the target's `region` can name another.
 */
function regionOf(topic: string): string {
  const region = topic.split(':')[3] ?? '';
  return HOST_LABEL.test(region) ? region : 'us-east-1';
}

async function load<Module>(importing: () => Promise<Module>, name: string): Promise<Module> {
  try {
    return await importing();
  } catch (cause) {
    throw new Error(`the package ${name} is not installed; this kind of notification target needs it`, {
      cause,
    });
  }
}
