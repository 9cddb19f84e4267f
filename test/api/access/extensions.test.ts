/** Each extension on a real server: called with and without permission, and on record. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { EXTENSIONS } from '../../../src/operations/table.ts';
import { adminOf } from '../../support/admin.ts';
import { type Api, apiOf, assertRefusal } from '../../support/api.ts';
import { type Attempt, attempt, everyExtension, policyBody } from '../../support/every-operation.ts';
import { addPeople, identityPolicy } from '../../support/people.ts';
import { eventually } from '../../support/poll.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const DENIED = 'AccessDeniedException';
const NAMES: readonly string[] = EXTENSIONS.map(({ name }) => name);

let server: TestServer;
let root: Api;
let people: Readonly<Record<string, Api>>;
/** For each of two people who may, and for those who may not. */
let attempts: Readonly<Record<'denied' | 'all' | 'named', readonly Attempt[]>>;

before(async () => {
  server = await startServer();
  root = apiOf(server);
  const account = server.accountId;
  const made = await addPeople(server.data, {
    nobody: { account, user: 'nobody' },
    glacier: { account, user: 'glacier', policies: [identityPolicy('Allow', 'glacier:*')] },
    all: { account, user: 'all', policies: [identityPolicy('Allow', '*')] },
    denied: {
      account,
      user: 'denied',
      policies: [identityPolicy('Allow', '*'), identityPolicy('Deny', 'moraine:*')],
    },
    ...Object.fromEntries(
      NAMES.map((name) => [
        name,
        { account, user: name.slice(8), policies: [identityPolicy('Allow', name)] },
      ]),
    ),
  });
  people = Object.fromEntries(
    Object.entries(made).map(([name, key]) => [name, apiOf({ ...server, ...key })]),
  );
  attempts = {
    denied: await everyExtension(root, 'own'),
    all: await everyExtension(root, 'all'),
    named: await everyExtension(root, 'named'),
  };
});
after(async () => {
  await server.kill();
  await rm(server.data, { recursive: true, force: true });
});

function person(name: string): Api {
  const found = people[name];
  assert.ok(found, name);
  return found;
}

function attemptOf(made: readonly Attempt[], name: string): Attempt {
  const found = made.find((one) => one.name === name);
  assert.ok(found, name);
  return found;
}

const refusedText = (user: string, { name, vault }: Attempt, why: string): string =>
  `User: arn:aws:iam::${server.accountId}:user/${user} is not authorized to perform: ${name} on resource: ${root.vaultArn(vault)} ${why}`;

it('has a request for each extension', () => {
  assert.deepEqual(attempts.denied.map(({ name }) => name).sort(), [...NAMES].sort());
});

describe('an extension', () => {
  // ListTasks is answered with the tasks that a caller may see, if only none.
  for (const name of NAMES.filter((one) => one !== 'moraine:ListTasks')) {
    it(`needs an Allow that names it: ${name}`, async () => {
      const one = attemptOf(attempts.denied, name);
      const unallowed = `because no identity-based policy allows the ${name} action`;
      assertRefusal(await attempt(person('nobody'), one), 403, DENIED, refusedText('nobody', one, unallowed));
      assertRefusal(
        await attempt(person('glacier'), one),
        403,
        DENIED,
        refusedText('glacier', one, unallowed),
      );
      const denied = 'with an explicit deny in an identity-based policy';
      assertRefusal(await attempt(person('denied'), one), 403, DENIED, refusedText('denied', one, denied));
      for (const [who, made] of [
        ['all', attempts.all],
        [name, attempts.named],
      ] as const) {
        const allowed = attemptOf(made, name);
        const answer = await attempt(person(who), allowed);
        assert.equal(answer.status, allowed.status, answer.text);
      }
    });
  }
});

describe('a Deny of InitiateJob for young archives', () => {
  const deny = {
    Version: '2012-10-17',
    Statement: {
      Effect: 'Deny',
      Principal: '*',
      Action: 'glacier:InitiateJob',
      Resource: '*',
      Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '1' } },
    },
  };

  it('denies root to describe a young archive', async () => {
    await root.createVault('young');
    const id = await root.upload('young', 'x');
    const target = `/-/vaults/young/archives/${id}`;
    assert.equal((await root.call('GET', target)).status, 200);
    await root.call('PUT', '/-/vaults/young/access-policy', { body: policyBody(deny) });
    const text = `User: arn:aws:iam::${server.accountId}:root is not authorized to perform: moraine:DescribeArchive on resource: ${root.vaultArn('young')} with an explicit deny in a resource-based policy`;
    assertRefusal(await root.call('GET', target), 403, DENIED, text);
  });
});

describe('the audit log', () => {
  it('has an event for each extension, before the answer, and after the last byte of a download', async () => {
    const answered = new Map<string, string>();
    for (const one of await everyExtension(root, 'audited')) {
      const done = await attempt(root, one);
      assert.equal(done.status, one.status, done.text);
      answered.set(done.headers['x-amzn-requestid'] ?? '', one.name);
    }
    const read = async (): Promise<Record<string, unknown>[]> =>
      (await adminOf(server.data).run('audit', 'export')).map((line) => JSON.parse(line));
    let events = await read();
    const isKnown = (id: string) => events.some((found) => found['requestID'] === id);
    for (const [id, name] of answered) if (name !== 'moraine:GetArchive') assert.ok(isKnown(id), name);
    await eventually('the event of the download', async () => {
      events = await read();
      return [...answered.keys()].every(isKnown);
    });
    for (const [id, name] of answered) {
      const [event, ...more] = events.filter((found) => found['requestID'] === id);
      assert.equal(more.length, 0, name);
      assert.equal(event?.['eventName'], name);
      assert.equal(event?.['eventSource'], 'moraine.api');
    }
  });
});
