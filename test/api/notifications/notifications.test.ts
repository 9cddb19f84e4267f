/** Messages about finished jobs: content, targets, retries, and undeliverable messages. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { type Api, apiOf, assertEmpty } from '../../support/api.ts';
import { runMoraine } from '../../support/command.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { type Jobs, jobsOf } from '../../support/jobs.ts';
import { eventually } from '../../support/poll.ts';
import { type Received, type Receiver, startReceiver } from '../../support/receiver.ts';
import { type StartOptions, startServer, type TestServer, temporaryFolder } from '../../support/server.ts';

const SECRET = `whsec_${Buffer.alloc(24, 7).toString('base64')}`;
const topicOf = (name: string) => `arn:aws:sns:us-east-1:111122223333:${name}`;
const BOTH = ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'];

type Targets = Readonly<Record<string, Readonly<Record<string, string>>>>;

interface World {
  readonly server: TestServer;
  readonly api: Api;
  readonly jobs: Jobs;
  readonly archiveId: string;
  readonly clock: EmulatorControls;
  stop(): Promise<void>;
}

/** A server with these targets by topic name, a vault `v` and an archive in it. */
async function startWorld(
  targets: Targets,
  start: (options: StartOptions) => Promise<TestServer>,
  options: StartOptions = {},
): Promise<World> {
  const folder = await temporaryFolder();
  const byTopic = Object.entries(targets).map(([name, target]) => [
    name === '*' ? name : topicOf(name),
    target,
  ]);
  const file = join(folder, 'targets.json');
  await writeFile(file, JSON.stringify(Object.fromEntries(byTopic)));
  const flags = ['--notification-targets', file, ...(options.flags ?? [])];
  const server = await start({ ...options, flags });
  const api = apiOf(server);
  await api.createVault('v');
  return {
    server,
    api,
    jobs: jobsOf(api),
    archiveId: await api.upload('v', 'Hello World!'),
    clock: controlsOf(server),
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const webhook = (url: string) => ({ type: 'webhook', url, secret: SECRET });

interface Listed {
  readonly no: number;
  readonly state: string;
  readonly topic: string;
  readonly tries: number;
  readonly reason: string | null;
  readonly message: Record<string, unknown>;
}

/** Runs `moraine notifications list` while the server runs. */
async function listed({ server }: World): Promise<Listed[]> {
  const { code, output, errors } = await runMoraine(['notifications', 'list', '--data', server.data]);
  assert.equal(code, 0, errors);
  return output
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Listed);
}

async function setVaultTopic({ api }: World, name: string, Events = BOTH): Promise<void> {
  const body = JSON.stringify({ SNSTopic: topicOf(name), Events });
  assertEmpty(await api.call('PUT', '/-/vaults/v/notification-configuration', { body }), 204);
}

describe('a webhook', () => {
  let receiver: Receiver;
  let world: World;
  before(async () => {
    receiver = await startReceiver();
    const targets = Object.fromEntries(
      ['vault', 'job', 'failing', 'events'].map((name) => [name, webhook(`${receiver.url}/${name}`)]),
    );
    const flags = ['--allow-local-webhooks'];
    world = await startWorld({ ...targets, '*': webhook(`${receiver.url}/others`) }, startServer, { flags });
  });
  after(async () => {
    await world.stop();
    await receiver.close();
  });

  /** Waits for the n-th request on the path, and asserts everything in it that does not depend on the job. */
  async function message(path: string, topic: string, n = 1): Promise<Record<string, unknown>> {
    await eventually(`${n} messages on ${path}`, () => receiver.on(path).length >= n);
    return assertEnvelope(receiver.on(path)[n - 1] as Received, topic);
  }

  it('gets the job as DescribeJob shows it, in a signed SNS envelope', async () => {
    await setVaultTopic(world, 'vault');
    const id = await world.jobs.startRetrieval('v', world.archiveId, { Description: 'a "job"' });
    const told = await message('/vault', topicOf('vault'));
    assert.deepEqual(told, await world.jobs.describe('v', id));
    assert.equal(told['StatusMessage'], 'Succeeded');
    const inventory = await world.jobs.startInventory('v', { Format: 'CSV' });
    const second = await message('/vault', topicOf('vault'), 2);
    assert.deepEqual(second, await world.jobs.describe('v', inventory));
    assert.equal(typeof second['InventorySizeInBytes'], 'number');
  });

  it('gets one message for the vault and one for the job, even if both name the same topic', async () => {
    await setVaultTopic(world, 'vault');
    const before = receiver.on('/vault').length;
    const id = await world.jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf('job') });
    assert.equal((await message('/job', topicOf('job')))['JobId'], id);
    await message('/vault', topicOf('vault'), before + 1);
    await world.jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf('vault') });
    await message('/vault', topicOf('vault'), before + 3);
    const [first, second] = receiver.on('/vault').slice(-2);
    assert.notEqual(first?.headers['webhook-id'], second?.headers['webhook-id']);
  });

  it('gets messages for failed jobs too', async () => {
    const gone = await world.api.upload('v', 'gone');
    assertEmpty(await world.api.call('DELETE', `/-/vaults/v/archives/${gone}`), 204);
    const id = await world.jobs.startRetrieval('v', gone, { SNSTopic: topicOf('failing') });
    const told = await message('/failing', topicOf('failing'));
    assert.deepEqual(
      [told['JobId'], told['StatusCode'], told['StatusMessage'], told['Completed']],
      [id, 'Failed', 'Failed', true],
    );
  });

  it('gets only the events that the vault’s configuration names, and none without a configuration', async () => {
    await setVaultTopic(world, 'events', ['InventoryRetrievalCompleted']);
    await world.jobs.startRetrieval('v', world.archiveId);
    const inventory = await world.jobs.startInventory('v');
    assert.equal((await message('/events', topicOf('events')))['JobId'], inventory);
    await setVaultTopic(world, 'events', ['ArchiveRetrievalCompleted']);
    await world.jobs.untilDone('v', await world.jobs.startInventory('v'));
    const retrieval = await world.jobs.startRetrieval('v', world.archiveId);
    assert.equal((await message('/events', topicOf('events'), 2))['JobId'], retrieval);
    assertEmpty(await world.api.call('DELETE', '/-/vaults/v/notification-configuration'), 204);
    await world.jobs.startRetrieval('v', world.archiveId);
    await world.jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf('no-target') });
    await message('/others', topicOf('no-target'));
    assert.equal(receiver.on('/events').length, 2);
    assert.deepEqual(await listed(world), []);
  });
});

/** Asserts that every value is a string and that the signature is valid; returns the message. */
function assertEnvelope({ method, headers, body }: Received, topic: string): Record<string, unknown> {
  assert.equal(method, 'POST');
  const envelope = new Webhook(SECRET).verify(body, headers as Record<string, string>) as Record<
    string,
    unknown
  >;
  for (const [name, value] of Object.entries(envelope)) assert.equal(typeof value, 'string', name);
  assert.deepEqual(Object.keys(envelope), ['Type', 'MessageId', 'TopicArn', 'Message', 'Timestamp']);
  assert.deepEqual([envelope['Type'], envelope['TopicArn']], ['Notification', topic]);
  assert.match(String(envelope['Timestamp']), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.deepEqual(
    [
      headers['content-type'],
      headers['x-amz-sns-message-type'],
      headers['x-amz-sns-topic-arn'],
      headers['x-amz-sns-message-id'],
      headers['webhook-id'],
    ],
    ['text/plain; charset=UTF-8', 'Notification', topic, envelope['MessageId'], envelope['MessageId']],
  );
  const text = String(envelope['Message']);
  const message = JSON.parse(text) as Record<string, unknown>;
  assert.equal(text, JSON.stringify(message));
  return message;
}

describe('a receiver that fails', () => {
  let receiver: Receiver;
  let world: World;
  before(async () => {
    receiver = await startReceiver();
    receiver.answerWith(() => ({ status: 503 }));
    const flags = ['--allow-local-webhooks'];
    world = await startWorld({ down: webhook(`${receiver.url}/down`) }, startEmulator, { flags });
  });
  after(async () => {
    await world.stop();
    await receiver.close();
  });

  it('is tried again after growing pauses; an undeliverable message stays listed and can be retried', async () => {
    const { clock, jobs } = world;
    /** Earliest time of the next try. */
    let triedMs = Date.parse((await clock.state()).now);
    const id = await jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf('down') });
    const tries = () => receiver.received.length;
    await eventually('the first try', () => tries() >= 1);
    for (let n = tries(); n <= 8; n = tries()) {
      // After this, no try is in progress.
      await clock.advance('0s');
      const { now, nextEvent } = await clock.state();
      // If another try fell due meanwhile, it would begin a new pause.
      if (tries() !== n) continue;
      const pauseMs = 5000 * 2 ** (n - 1);
      const left = Date.parse(nextEvent ?? '') - Date.parse(now);
      const gone = Date.parse(now) - triedMs;
      assert.ok(left <= pauseMs && left >= pauseMs - gone, `${left} ms left and ${gone} gone after try ${n}`);
      triedMs = Date.parse(nextEvent ?? '');
      await clock.advance('next');
      assert.ok(tries() > n);
    }
    const [waiting] = await listed(world);
    assert.equal(waiting?.state, 'waiting');
    assert.equal(waiting?.reason, 'the webhook answered 503');
    await clock.advance('7d');
    const [given, ...others] = await listed(world);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [given?.state, given?.topic, given?.tries, given?.reason, given?.message['JobId']],
      ['undeliverable', topicOf('down'), 25, 'the webhook answered 503', id],
    );
    assert.equal(tries(), 25);
    await clock.advance('7d');
    assert.equal(tries(), 25);
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1);
    // Receivers compare the timestamp with their own clocks, which show real time.
    assertEnvelope(receiver.received.at(-1) as Received, topicOf('down'));

    receiver.answerWith(() => ({ status: 204 }));
    const args = ['--data', world.server.data];
    const unknown = await runMoraine(['notifications', 'retry', '999', ...args]);
    assert.equal(unknown.code, 4);
    assert.match(unknown.errors, /^moraine: there is no message 999; /);
    assert.equal((await runMoraine(['notifications', 'retry', 'x', ...args])).code, 2);
    const retried = await runMoraine(['notifications', 'retry', String(given?.no), ...args]);
    assert.deepEqual([retried.code, retried.output], [0, '1 message due now\n']);
    await eventually('the message', () => tries() === 26);
    assert.equal(assertEnvelope(receiver.received.at(-1) as Received, topicOf('down'))['JobId'], id);
    await eventually('an empty outbox', async () => (await listed(world)).length === 0);
  });
});

describe('messages that cannot be delivered', () => {
  let receiver: Receiver;
  let world: World;
  before(async () => {
    receiver = await startReceiver();
    receiver.answerWith(({ path }) => ({
      status: path === '/moved' ? 307 : 200,
      headers: { location: '/elsewhere' },
    }));
    const hosts = [
      '127.0.0.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      'localhost',
      '2130706433',
      '0.0.0.0',
      '[::]',
      '127.1',
    ];
    const local = Object.fromEntries(
      hosts.map((host, i) => [`local-${i}`, webhook(`http://${host}:${receiver.port}/local`)]),
    );
    const far = [
      '169.254.169.254',
      '10.0.0.1',
      '172.31.0.1',
      '192.168.1.1',
      '100.64.0.1',
      '[fe80::1]',
      '[fd00::1]',
      '[64:ff9b::7f00:1]',
      '[::ffff:10.0.0.1]',
    ];
    const network = Object.fromEntries(
      far.map((host, i) => [`network-${i}`, webhook(`http://${host}/network`)]),
    );
    world = await startWorld({ ...local, ...network }, startServer);
  });
  after(async () => {
    await world.stop();
    await receiver.close();
  });

  /** Starts a retrieval for each topic; returns the listed messages by topic name. */
  async function reasons(of: World, names: readonly string[]): Promise<Listed[]> {
    const { jobs, archiveId } = of;
    for (const name of names) await jobs.startRetrieval('v', archiveId, { SNSTopic: topicOf(name) });
    const all = await eventually('a try of each', async () => {
      const found = await listed(of);
      return found.length >= names.length && found.every(({ reason }) => reason !== null) && found;
    });
    return names.map((name) => all.find(({ topic }) => topic === topicOf(name)) as Listed);
  }

  it('include those to this host or its network, in any notation, unless that is allowed', async () => {
    const names = [
      ...Array.from({ length: 8 }, (_, i) => `local-${i}`),
      ...Array.from({ length: 9 }, (_, i) => `network-${i}`),
    ];
    for (const { reason, topic } of await reasons(world, names)) {
      assert.match(reason ?? '', /local address .*--allow-local-webhooks permits it$/, topic);
    }
    assert.deepEqual(receiver.received, []);
  });

  it('include those to topics without a target: undeliverable at once, with that reason', async () => {
    const [listedOne] = await reasons(world, ['nobody']);
    assert.equal(listedOne?.state, 'undeliverable');
    assert.equal(listedOne?.reason, `no notification target is set for the topic ${topicOf('nobody')}`);
  });

  it('include those to receivers that redirect or cannot be reached', async () => {
    const flags = ['--allow-local-webhooks'];
    const targets = {
      moved: webhook(`${receiver.url}/moved`),
      nothing: webhook('http://127.0.0.1:1/'),
    };
    const allowed = await startWorld(targets, startServer, { flags });
    try {
      const [moved, nothing] = await reasons(allowed, ['moved', 'nothing']);
      assert.equal(moved?.reason, 'the webhook answered 307');
      assert.match(nothing?.reason ?? '', /ECONNREFUSED/);
      assert.deepEqual([moved?.state, nothing?.state], ['waiting', 'waiting']);
      assert.equal(receiver.on('/elsewhere').length, 0);
    } finally {
      await allowed.stop();
    }
  });
});

describe('the targets file', () => {
  it('is refused with one line when it is invalid', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'targets.json');
    for (const text of [
      '{',
      '[]',
      '{"*":{"type":"webhook","url":"ftp://x","secret":"whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}}',
      `{"*":{"type":"webhook","url":"http://x/"}}`,
      `{"*":{"type":"webhook","url":"http://x/","secret":"secret"}}`,
      '{"*":{"type":"carrier-pigeon"}}',
      '{"*":{"type":"sqs"}}',
      '{"*":{"type":"sns","surprise":1}}',
    ]) {
      await writeFile(file, text);
      const args = ['serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0'];
      const { code, errors } = await runMoraine([...args, '--notification-targets', file]);
      assert.equal(code, 2, text);
      assert.match(errors, /^moraine: .*--notification-targets.*\n$/, text);
    }
    await rm(folder, { recursive: true, force: true });
  });
});

describe('SNS and SQS', () => {
  let receiver: Receiver;
  let world: World;
  before(async () => {
    receiver = await startReceiver();
    receiver.answerWith(answerAsAws);
    const targets = {
      published: { type: 'sns', endpoint: `${receiver.url}/sns`, region: 'us-east-1' },
      queued: { type: 'sqs', queueUrl: `${receiver.url}/111122223333/queue`, endpoint: receiver.url },
    };
    const env = { AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret' };
    world = await startWorld(targets, startServer, { env });
  });
  after(async () => {
    await world.stop();
    await receiver.close();
  });

  const ofService = (service: string) =>
    receiver.received.filter(({ headers }) =>
      String(headers.authorization).includes(`/us-east-1/${service}/aws4_request`),
    );

  it('gets the bare message in SNS’s region, because SNS wraps it', async () => {
    const id = await world.jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf('published') });
    await eventually('a publication', () => ofService('sns').length > 0);
    const [{ body = '', headers } = {} as Received] = ofService('sns');
    const form = new URLSearchParams(body);
    assert.equal(form.get('Action'), 'Publish');
    assert.equal(form.get('TopicArn'), topicOf('published'));
    assert.deepEqual(JSON.parse(form.get('Message') ?? ''), await world.jobs.describe('v', id));
    assert.match(String(headers.authorization), /Credential=AKIAEXAMPLE\//);
  });

  it('gets the envelope in SQS that a subscribed queue would get', async () => {
    const id = await world.jobs.startInventory('v', { SNSTopic: topicOf('queued') });
    await eventually('a message in the queue', () => ofService('sqs').length > 0);
    const [{ body = '', headers } = {} as Received] = ofService('sqs');
    assert.equal(headers['x-amz-target'], 'AmazonSQS.SendMessage');
    const { QueueUrl, MessageBody } = JSON.parse(body) as Record<string, string>;
    assert.equal(QueueUrl, `${receiver.url}/111122223333/queue`);
    const envelope = JSON.parse(MessageBody ?? '') as Record<string, unknown>;
    for (const [name, value] of Object.entries(envelope)) assert.equal(typeof value, 'string', name);
    assert.equal(envelope['TopicArn'], topicOf('queued'));
    assert.deepEqual(JSON.parse(String(envelope['Message'])), await world.jobs.describe('v', id));
    await eventually('an empty outbox', async () => (await listed(world)).length === 0);
  });

  it('gets another try when either refuses the message', async () => {
    receiver.answerWith(({ headers }) =>
      headers['x-amz-target']
        ? { status: 400, body: '{"__type":"QueueDoesNotExist","message":"no such queue"}' }
        : {
            status: 404,
            body: '<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>',
          },
    );
    for (const name of ['published', 'queued'])
      await world.jobs.startRetrieval('v', world.archiveId, { SNSTopic: topicOf(name) });
    const found = await eventually('a try of each', async () => {
      const all = await listed(world);
      return all.length === 2 && all.every(({ reason }) => reason !== null) && all;
    });
    assert.deepEqual(
      found.map(({ state, reason }) => [state, reason]),
      [
        ['waiting', 'Topic does not exist'],
        ['waiting', 'no such queue'],
      ],
    );
  });
});

/** Answers like SNS (form and XML) and SQS (JSON); the SDK checks the digest of the message it sent. */
function answerAsAws({ headers, body }: Received) {
  if (!headers['x-amz-target']) {
    const result = '<PublishResult><MessageId>m</MessageId></PublishResult>';
    return { status: 200, body: `<PublishResponse>${result}</PublishResponse>` };
  }
  const { MessageBody } = JSON.parse(body) as { MessageBody: string };
  const digest = createHash('md5').update(MessageBody).digest('hex');
  return { status: 200, body: JSON.stringify({ MessageId: 'm', MD5OfMessageBody: digest }) };
}
