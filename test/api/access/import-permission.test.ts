/** An import needs two permissions, and a Deny of all that it amounts to denies it. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../../support/api.ts';
import { policyBody } from '../../support/every-operation.ts';
import { MIB } from '../../support/pattern.ts';
import { addPeople, identityPolicy } from '../../support/people.ts';
import { type Answer, hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const CARRIERS = ['UploadArchive', 'InitiateMultipartUpload'] as const;
type Carrier = (typeof CARRIERS)[number];

let server: TestServer;
let root: Api;
let people: Readonly<Record<string, Api>>;

before(async () => {
  server = await startServer();
  root = apiOf(server);
  await root.createVault('v');
  const account = server.accountId;
  const allows = {
    glacier: ['glacier:*'],
    importing: ['moraine:ImportArchive'],
    both: ['glacier:*', 'moraine:*'],
  };
  const cast = Object.entries(allows).map(([user, actions]) => {
    const policies = actions.map((action) => identityPolicy('Allow', action));
    return [user, { account, user, policies }] as const;
  });
  const made = await addPeople(server.data, Object.fromEntries(cast));
  people = Object.fromEntries(
    Object.entries(made).map(([name, key]) => [name, apiOf({ ...server, ...key })]),
  );
});
after(() => server.stop());

let lastNo = 0;

/** @param isImport whether the request gives an id. */
function send(api: Api, carrier: Carrier, isImport = true): Promise<Answer> {
  const id = isImport ? { 'x-moraine-archive-id': `of-the-test-${lastNo++}` } : {};
  if (carrier === 'UploadArchive') {
    const headers = { ...hashHeaders('x'), ...id };
    return api.call('POST', '/-/vaults/v/archives', { headers, body: 'x' });
  }
  const headers = { 'x-amz-part-size': String(MIB), ...id };
  return api.call('POST', '/-/vaults/v/multipart-uploads', { headers });
}

function assertUnallowed(answer: Answer, user: string, action: string): void {
  const text = `User: arn:aws:iam::${server.accountId}:user/${user} is not authorized to perform: ${action} on resource: ${root.vaultArn('v')} because no identity-based policy allows the ${action} action`;
  assertRefusal(answer, 403, 'AccessDeniedException', text);
}

function person(name: string): Api {
  const found = people[name];
  assert.ok(found, name);
  return found;
}

describe('an import', () => {
  for (const carrier of CARRIERS) {
    it(`needs an Allow of moraine:ImportArchive and of ${carrier}`, async () => {
      assertUnallowed(await send(person('glacier'), carrier), 'glacier', 'moraine:ImportArchive');
      assertUnallowed(await send(person('importing'), carrier), 'importing', `glacier:${carrier}`);
      assertEmpty(await send(person('both'), carrier), 201);
      assertEmpty(await send(person('glacier'), carrier, false), 201);
    });
  }

  for (const denied of [
    'moraine:ImportArchive',
    'glacier:UploadArchive',
    'glacier:InitiateMultipartUpload',
    'glacier:CompleteMultipartUpload',
  ]) {
    it(`is denied to root by a Deny of ${denied}`, async () => {
      const Statement = { Effect: 'Deny', Principal: '*', Action: denied, Resource: root.vaultArn('v') };
      const body = policyBody({ Version: '2012-10-17', Statement });
      assertEmpty(await root.call('PUT', '/-/vaults/v/access-policy', { body }), 204);
      for (const carrier of CARRIERS) {
        const action = denied === `glacier:${carrier}` ? denied : 'moraine:ImportArchive';
        const text = `User: arn:aws:iam::${server.accountId}:root is not authorized to perform: ${action} on resource: ${root.vaultArn('v')} with an explicit deny in a resource-based policy`;
        assertRefusal(await send(root, carrier), 403, 'AccessDeniedException', text);
        const status = action === denied && action !== 'moraine:ImportArchive' ? 403 : 201;
        assert.equal((await send(root, carrier, false)).status, status);
      }
      assertEmpty(await root.call('DELETE', '/-/vaults/v/access-policy'), 204);
    });
  }
});
