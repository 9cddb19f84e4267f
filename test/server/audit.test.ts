/**
 * The audit log of a real server: its events, what they never contain, and that no change is acknowledged without one.
 */
import assert from 'node:assert/strict';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { serve } from '../../src/app/serve.ts';
import { readConfig } from '../../src/config/read.ts';
import { adminOf } from '../support/admin.ts';
import { type Api, apiOf } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { attempt, everyOperation } from '../support/every-operation.ts';
import { beforeFiles } from '../support/failing-disk.ts';
import { addPeople, identityPolicy, issueSession } from '../support/people.ts';
import { type Answer, sendRaw } from '../support/request.ts';
import { type Credentials, startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { presignTarget, sha256Hex } from '../support/signer.ts';

type Event = Record<string, unknown>;

let server: TestServer;
let root: Api;
let nobody: Api;
/** By request id: the operation and how it was answered. */
const asked = new Map<string, { readonly name: string; readonly method: string; readonly answer: Answer }>();
const secrets: string[] = [];
/** Answers to requests denied with a 400. */
const unanswerable: Answer[] = [];
let events: Event[];

before(async () => {
  server = await startServer();
  root = apiOf(server);
  secrets.push(server.secretAccessKey);
  const account = server.accountId;
  const made = await addPeople(server.data, {
    nobody: { account, user: 'nobody', policies: [identityPolicy('Deny', 'glacier:*')] },
  });
  nobody = apiOf({ ...server, ...made.nobody });
  secrets.push(made.nobody.secretAccessKey);
  await askEverything();
  await askInOddWays();
  await server.kill();
  events = (await adminOf(server.data).run('audit', 'export')).map((line) => JSON.parse(line));
});
after(() => rm(server.data, { recursive: true, force: true }));

/** Whether the event is about a request, not a command or a start. */
function isOfApi(event: Event): boolean {
  return event['eventType'] === 'AwsApiCall';
}

function note(name: string, method: string, answer: Answer): void {
  asked.set(answer.headers['x-amzn-requestid'] ?? '', { name, method, answer });
}

async function askEverything(): Promise<void> {
  for (const one of await everyOperation(root, 'v')) {
    note(one.name, one.method, await attempt(nobody, one));
    note(one.name, one.method, await attempt(root, one));
  }
}

/** Sends requests whose heads contain values that must not be logged. */
async function askInOddWays(): Promise<void> {
  const { host } = new URL(server.url);
  const session = await issueSession(server.data, {
    account: server.accountId,
    keyId: server.accessKeyId,
    lifeMs: 60_000,
  });
  secrets.push(session.secretAccessKey, session.sessionToken);
  const byToken = apiOf({ ...server, ...session });
  await byToken.call('PUT', '/-/vaults/token', { headers: { 'x-amz-security-token': session.sessionToken } });
  const signer = { ...(session as Credentials), region: 'us-east-1', at: new Date() };
  const unsigned = {
    method: 'PUT',
    target: '/-/vaults/presigned',
    headers: { host },
    payloadHash: sha256Hex(''),
  };
  const more = { 'X-Amz-Security-Token': session.sessionToken };
  const target = presignTarget(unsigned, signer, { more });
  secrets.push(new URLSearchParams(target.split('?')[1]).get('X-Amz-Signature') ?? '');
  const headers = { host, 'x-amz-glacier-version': '2012-06-01' };
  const answer = await sendRaw(server.url, { method: 'PUT', target, headers });
  assert.equal(answer.status, 201, answer.text);
  await sendMalformedSignatures();
  await sendWithoutRight();
}

/** Sends requests that the service denies with 400: unsigned, or signed by an unknown key. */
async function sendWithoutRight(): Promise<void> {
  const signer = { accessKeyId: 'AKIAUNKNOWNUNKNOWN00' };
  unanswerable.push(await root.call('GET', '/-/vaults/v', { signer }));
  const target = '/-/vaults/v';
  const headers = { host: new URL(server.url).host, 'x-amz-glacier-version': '2012-06-01' };
  unanswerable.push(await sendRaw(server.url, { method: 'GET', target, headers }));
}

/** Sends malformed signatures, because error messages quote malformed values. */
async function sendMalformedSignatures(): Promise<void> {
  const headers = root.headersOf('PUT', '/-/vaults/malformed');
  const authorization = headers['authorization'] ?? '';
  const signature = /Signature=(\w+)/.exec(authorization)?.[1] ?? '';
  secrets.push(signature, signature.toUpperCase());
  for (const changed of [
    authorization.replace(signature, signature.toUpperCase()),
    authorization.replace('Signature=', 'Sig='),
    `${authorization}, Signature=${signature}`,
  ]) {
    const sent = { ...headers, authorization: changed };
    const answer = await sendRaw(server.url, { method: 'PUT', target: '/-/vaults/malformed', headers: sent });
    assert.equal(answer.status, 403, answer.text);
    note('CreateVault', 'PUT', answer);
  }
}

describe('the audit log', () => {
  it('has one event for each request that makes a change or is denied', () => {
    const ids = events.filter(isOfApi).map((event) => event['requestID']);
    assert.equal(new Set(ids).size, ids.length);
    for (const [id, { name, method, answer }] of asked) {
      const found = events.filter((event) => event['requestID'] === id);
      const isDownload = name === 'GetJobOutput' && answer.status < 300;
      const expected = method !== 'GET' || answer.status === 403 || isDownload ? 1 : 0;
      assert.equal(found.length, expected, `${name} ${answer.status}`);
      if (expected === 1) assert.equal(found[0]?.['eventName'], name);
    }
    const names = new Set([...asked.values()].map(({ name }) => name));
    assert.equal(names.size, 33);
  });

  it('has events of requests denied with a 400', () => {
    for (const { status, headers, text } of unanswerable) {
      assert.equal(status, 400, text);
      const found = events.filter((event) => event['requestID'] === headers['x-amzn-requestid']);
      assert.equal(found.length, 1, text);
      assert.deepEqual(found[0]?.['userIdentity'], { type: 'Unknown' });
    }
    assert.equal(unanswerable.length, 2);
  });

  it('records how each request ended', () => {
    for (const event of events) {
      const known = asked.get(String(event['requestID']));
      if (!known || known.answer.status < 400) continue;
      assert.equal(event['errorCode'], known.answer.json()['code']);
      assert.equal(event['responseElements'], null);
    }
  });

  it("is in CloudTrail's shape", () => {
    const event = events.find((one) => one['eventName'] === 'CreateVault' && one['errorCode'] === undefined);
    assert.ok(event);
    const { eventTime, requestID, eventID, userAgent, ...rest } = event;
    assert.match(String(eventTime), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.ok(requestID && eventID);
    assert.equal(userAgent, null);
    const vaultName = String((event['requestParameters'] as Event)['vaultName']);
    const account = server.accountId;
    assert.deepEqual(rest, {
      eventVersion: '1.08',
      userIdentity: {
        type: 'Root',
        principalId: account,
        arn: `arn:aws:iam::${account}:root`,
        accountId: account,
        accessKeyId: server.accessKeyId,
      },
      eventSource: 'glacier.amazonaws.com',
      eventName: 'CreateVault',
      awsRegion: 'us-east-1',
      sourceIPAddress: '127.0.0.1',
      requestParameters: { accountId: '-', vaultName },
      responseElements: { location: `/${account}/vaults/${vaultName}` },
      readOnly: false,
      eventType: 'AwsApiCall',
      recipientAccountId: account,
    });
  });

  it('has no secret, no signature, no session token and no lock id', async () => {
    const lockIds = [...asked.values()].flatMap(({ answer }) => answer.headers['x-amz-lock-id'] ?? []);
    assert.ok(lockIds.length > 0 && secrets.every((secret) => secret.length >= 40));
    for (const name of await readdir(join(server.data, 'audit'))) {
      const text = await readFile(join(server.data, 'audit', name), 'utf8');
      for (const secret of [...secrets, ...lockIds]) assert.ok(!text.includes(secret), `${name}: ${secret}`);
    }
    for (const secret of secrets) assert.ok(!server.errors().includes(secret), secret);
  });

  it('verifies after the server was killed, but not after a byte was changed', async () => {
    const verify = () => runMoraine(['audit', 'verify', '--data', server.data]);
    const whole = await verify();
    assert.equal(whole.code, 0);
    assert.match(whole.output, /^OK: \d+ events in 2 chains; nothing was changed, moved or removed\.\n/);
    const folder = join(server.data, 'audit');
    const name = (await readdir(folder)).find((one) => /^[0-9a-f]{24}\..*log$/.test(one)) ?? '';
    const bytes = await readFile(join(folder, name));
    const at = bytes.indexOf('"CreateVault"');
    await writeFile(join(folder, name), bytes.with(at + 1, 0x64));
    const changed = await verify();
    assert.equal(changed.code, 6);
    assert.match(changed.output, /^[0-9a-f]{24}\.000000\.log:\d+: this line does not follow the one before/);
    await writeFile(join(folder, name), bytes);
  });
});

describe('when an event cannot be written', () => {
  it('answers changes, extensions and denied requests with a 500, serves reads, and recovers by itself', async (t) => {
    const data = await temporaryFolder();
    const config = readConfig({ data, listen: '127.0.0.1:0', workers: '1', 'log-level': 'silent' });
    const running = await serve(config);
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (!stopped) await running.stop();
      stopped = true;
    };
    t.after(async () => {
      await stop();
      await rm(data, { recursive: true, force: true });
    });
    const secret = /^aws_secret_access_key = (.*)$/m.exec(
      await readFile(running.root.credentialsFile ?? '', 'utf8'),
    )?.[1];
    const key = { ...running.root, secretAccessKey: secret ?? '' };
    const api = apiOf({ ...server, ...key, url: running.url });
    const health = () => sendRaw(running.url, { method: 'GET', target: '/_moraine/health' });
    await api.createVault('v');
    const archiveId = await api.upload('v', 'x');
    const denied = () => api.call('GET', '/000000000000/vaults');
    assert.equal((await denied()).status, 403);
    let fails = true;
    await beforeFiles(t, 'write', async () => {
      if (fails) throw Object.assign(new Error("EIO: i/o error, write '/a/path'"), { code: 'EIO' });
    });
    for (let i = 0; i < 3; i++) {
      const extension = await api.call('GET', `/-/vaults/v/archives/${archiveId}`);
      for (const answer of [await denied(), extension, await api.call('PUT', '/-/vaults/w')]) {
        assert.equal(answer.status, 500);
        assert.match(
          answer.text,
          /"ServiceUnavailableException","message":"[^"]*audit log[^"]*: EIO: i\/o error\."/,
        );
      }
    }
    assert.equal((await api.call('GET', '/-/vaults/v')).status, 200);
    assert.equal(
      (await api.call('GET', '/-/vaults/w')).status,
      404,
      'a change that could not be audited was made',
    );
    const failing = await health();
    assert.equal(failing.status, 503);
    assert.equal(
      failing.text,
      '{"status":"failing","reason":"The audit log cannot be written: EIO: i/o error"}',
    );
    fails = false;
    // The chain may be torn, so events continue in a new one.
    assert.equal((await denied()).status, 403);
    assert.equal((await api.call('PUT', '/-/vaults/w')).status, 201);
    assert.equal((await health()).status, 200);
    await stop();
    const heads = (await readdir(join(data, 'audit'))).filter((name) => name.endsWith('.head'));
    // The start logged root's first key in the chain of commands.
    assert.equal(heads.filter((name) => !name.startsWith('commands')).length, 2);
    const verified = await runMoraine(['audit', 'verify', '--data', data]);
    assert.equal(verified.code, 0, verified.output);
  });
});
