/** The notification configuration of a vault: set, shown, replaced, deleted, refused. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const TARGET = '/-/vaults/v/notification-configuration';
const TOPIC = 'arn:aws:sns:us-east-1:111122223333:mytopic';
const BOTH = ['ArchiveRetrievalCompleted', 'InventoryRetrievalCompleted'];

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(async () => {
  await server.stop();
  await rm(server.data, { recursive: true, force: true });
});

const put = (body: unknown, target = TARGET) =>
  api.call('PUT', target, { body: typeof body === 'string' ? body : JSON.stringify(body) });
const assertNone = async () => {
  const text = 'No notification configuration is set for vault: v';
  assertRefusal(await api.call('GET', TARGET), 404, 'ResourceNotFoundException', text);
};

describe('vault notifications', () => {
  it('get a 404 when not set, and can be deleted nevertheless', async () => {
    await assertNone();
    assertEmpty(await api.call('DELETE', TARGET), 204);
    await assertNone();
  });

  it('are shown exactly as set, replaced by the next ones, and gone at once when deleted', async () => {
    assertEmpty(await put({ SNSTopic: TOPIC, Events: BOTH }), 204);
    const answer = await api.call('GET', TARGET);
    assertJson(answer);
    assert.equal(answer.text, JSON.stringify({ Events: BOTH, SNSTopic: TOPIC }));
    const other = `${TOPIC}-2.fifo`;
    assertEmpty(await put({ SNSTopic: other, Events: [BOTH[1]] }), 204);
    const replaced = await api.call('GET', TARGET);
    assert.equal(replaced.text, JSON.stringify({ Events: [BOTH[1]], SNSTopic: other }));
    assertEmpty(await api.call('DELETE', TARGET), 204);
    await assertNone();
  });

  it('store a repeated event once', async () => {
    assertEmpty(await put({ SNSTopic: TOPIC, Events: [BOTH[0], BOTH[0]] }), 204);
    assert.deepEqual((await api.call('GET', TARGET)).json()['Events'], [BOTH[0]]);
  });

  it('require both members', async () => {
    const missing = async (body: unknown, name: string) =>
      assertRefusal(await put(body), 400, MISSING, `Required parameter missing: ${name}`);
    await missing({}, 'SNSTopic');
    await missing('', 'SNSTopic');
    await missing({ Events: BOTH }, 'SNSTopic');
    await missing({ SNSTopic: null, Events: BOTH }, 'SNSTopic');
    await missing({ SNSTopic: '', Events: BOTH }, 'SNSTopic');
    await missing({ SNSTopic: TOPIC }, 'Events');
    await missing({ SNSTopic: TOPIC, Events: null }, 'Events');
  });

  it("require known events and a topic of the vault's region", async () => {
    for (const Events of [
      [],
      'ArchiveRetrievalCompleted',
      ['archiveretrievalcompleted'],
      [null],
      [5],
      {},
      [{}],
    ])
      assertRefusal(await put({ SNSTopic: TOPIC, Events }), 400, INVALID, /^Invalid [Ee]vents?: /);
    const large = `{"SNSTopic":"${TOPIC}","Events":[${'9'.repeat(25)}]}`;
    assertRefusal(await put(large), 400, INVALID, /^Invalid event: /);
    const foreign = 'arn:aws:sns:eu-west-1:111122223333:t';
    assertRefusal(
      await put({ SNSTopic: foreign, Events: BOTH }),
      400,
      INVALID,
      `SNS topics must be in the local AWS region: ${foreign}`,
    );
    for (const SNSTopic of [
      't',
      5,
      {},
      [],
      `${TOPIC} `,
      'arn:aws:sns:us-east-1:1:t',
      'arn:aws:sqs:us-east-1:111122223333:q',
    ])
      assertRefusal(await put({ SNSTopic, Events: BOTH }), 400, INVALID, /^Invalid SNSTopic: /);
    const largeTopic = `{"SNSTopic":${'9'.repeat(25)},"Events":["${BOTH[0]}"]}`;
    assertRefusal(await put(largeTopic), 400, INVALID, /^Invalid SNSTopic: /);
  });

  it('get a 404 without the vault, are deleted with it, and do not pass to a later vault of its name', async () => {
    const body = { SNSTopic: TOPIC, Events: BOTH };
    const target = '/-/vaults/short-lived/notification-configuration';
    const text = `Vault not found for ARN: ${api.vaultArn('short-lived')}`;
    for (const answer of [
      await put(body, target),
      await api.call('GET', target),
      await api.call('DELETE', target),
    ]) {
      assertRefusal(answer, 404, 'ResourceNotFoundException', text);
    }
    await api.createVault('short-lived');
    assertEmpty(await put(body, target), 204);
    assertEmpty(await api.call('DELETE', '/-/vaults/short-lived'), 204);
    await api.createVault('short-lived');
    assert.equal((await api.call('GET', target)).status, 404);
  });

  it('survive a restart', async () => {
    const topic = `${TOPIC}-kept`;
    assertEmpty(await put({ SNSTopic: topic, Events: BOTH }), 204);
    await server.kill();
    server = await startServer({ data: server.data });
    api = apiOf(server);
    assert.equal((await api.call('GET', TARGET)).json()['SNSTopic'], topic);
  });
});
