/** Accounts, users, keys and policies set by commands while a server runs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, adminOf } from '../support/admin.ts';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { policyBody } from '../support/every-operation.ts';
import { allBut, identityPolicy } from '../support/people.ts';
import { eventually } from '../support/poll.ts';
import { type Credentials, startServer, type TestServer } from '../support/server.ts';

const OTHER = '444455556666';

let server: TestServer;
let admin: Admin;
let root: Api;
before(async () => {
  // Several processes, because changes must take effect in all of them.
  server = await startServer({ flags: ['--workers', '2'] });
  admin = adminOf(server.data);
  root = apiOf(server);
  await root.createVault('v');
});
after(() => server.stop());

const as = (key: Credentials): Api => apiOf({ ...server, ...key });
const describeVault = (api: Api) => api.call('GET', '/-/vaults/v');

/** Waits until every process answers with this status: several connections in a row reach all processes. */
function untilAlways(api: Api, status: number): Promise<true> {
  return eventually(`status ${status} from every process`, async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => describeVault(api)));
    return answers.every((answer) => answer.status === status);
  });
}

async function newUser(name: string, ...policies: unknown[]): Promise<Api> {
  await admin.json('user', 'create', name, '--account-id', server.accountId);
  for (const [i, policy] of policies.entries()) {
    const file = await admin.file(`${name}-${i}.json`, policy);
    await admin.run('policy', 'put', `p${i}`, file, '--user', name, '--account-id', server.accountId);
  }
  return as(await admin.key(server.accountId, name));
}

describe('a key', () => {
  it('works at once, and stops working within seconds of being disabled', async () => {
    const api = await newUser('amy', identityPolicy('Allow', 'glacier:DescribeVault'));
    await untilAlways(api, 200);
    const [line = ''] = await admin.run('key', 'list', '--user', 'amy', '--account-id', server.accountId);
    const { accessKeyId, status } = JSON.parse(line);
    assert.equal(status, 'active');
    await admin.json('key', 'disable', accessKeyId);
    await untilAlways(api, 400);
    assertRefusal(
      await describeVault(api),
      400,
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  });

  it('of a deleted user stops working, even if a user of the same name is made again', async () => {
    const api = await newUser('bob', identityPolicy('Allow', 'glacier:*'));
    await untilAlways(api, 200);
    await admin.json('user', 'delete', 'bob', '--account-id', server.accountId);
    await untilAlways(api, 400);
    await newUser('bob', identityPolicy('Allow', 'glacier:*'));
    await untilAlways(api, 400);
  });

  it('stops working when it is deleted', async () => {
    const key = await admin.key(server.accountId);
    await untilAlways(as(key), 200);
    await admin.json('key', 'delete', key.accessKeyId);
    await untilAlways(as(key), 400);
    assert.match(await admin.notFound('key', 'delete', key.accessKeyId), /^there is no key AKIA/);
  });

  it('shows its secret once, and never in a list', async () => {
    const key = await admin.key(server.accountId);
    const lines = await admin.run('key', 'list', '--account-id', server.accountId);
    const line = lines.find((one) => one.includes(key.accessKeyId)) ?? '';
    assert.deepEqual(Object.keys(JSON.parse(line)), ['accessKeyId', 'user', 'status', 'origin']);
    assert.ok(!lines.join().includes(key.secretAccessKey));
  });
});

describe('a policy', () => {
  it('takes effect in every process within seconds of being replaced or removed', async () => {
    const api = await newUser('cat', identityPolicy('Allow', 'glacier:DescribeVault'));
    await untilAlways(api, 200);
    const account = ['--user', 'cat', '--account-id', server.accountId];
    await admin.run('policy', 'put', 'p0', await admin.file('deny.json', allBut('glacier:*')), ...account);
    await untilAlways(api, 403);
    await admin.run(
      'policy',
      'put',
      'p0',
      await admin.file('allow.json', identityPolicy('Allow', 'glacier:Describe*')),
      ...account,
    );
    await untilAlways(api, 200);
    await admin.run('policy', 'delete', 'p0', ...account);
    await untilAlways(api, 403);
    assert.deepEqual(await admin.run('policy', 'list', ...account), []);
  });

  it('is refused when invalid, with a message that names the statement and the fault', async () => {
    await newUser('dan');
    const put = async (policy: unknown) =>
      admin.refused(
        'policy',
        'put',
        'p',
        await admin.file('bad.json', policy),
        '--user',
        'dan',
        '--account-id',
        server.accountId,
      );
    assert.match(await put('{'), /not valid JSON/);
    assert.match(
      await put({ Version: '2012-10-17', Statement: [{ Sid: 'x1', Effect: 'Allow' }] }),
      /"x1".*Action/s,
    );
    const withPrincipal = {
      Statement: [{ Effect: 'Allow', Principal: '*', Action: 'glacier:*', Resource: '*' }],
    };
    assert.match(await put(withPrincipal), /1.*Principal is not allowed in an identity policy/s);
  });
});

describe('an account', () => {
  it('has its own root and vaults', async () => {
    const made = await admin.json('account', 'create', '--account-id', OTHER);
    assert.equal(made['account'], OTHER);
    const { accessKeyId = '', secretAccessKey = '' } = made;
    const other = as({ accountId: OTHER, accessKeyId, secretAccessKey });
    await untilAlways(other, 404);
    await other.createVault('v');
    const answer = await describeVault(other);
    assert.equal(answer.json()['VaultARN'], `arn:aws:glacier:us-east-1:${OTHER}:vaults/v`);
    assert.deepEqual((await admin.run('account', 'list')).sort(), [OTHER, server.accountId].sort());
    assert.match(await admin.refused('account', 'create', '--account-id', OTHER), /already/);
    assert.match(
      await admin.refused('user', 'list'),
      /give --account-id, because there are several accounts/,
    );
  });

  it("does not allow its root access to another account's vaults", async () => {
    const other = as(await admin.key(OTHER));
    const text = `User: arn:aws:iam::${OTHER}:root is not authorized to perform: glacier:DescribeVault on resource: ${root.vaultArn('v')} because no resource-based policy allows the glacier:DescribeVault action`;
    const asked = () => other.call('GET', `/${server.accountId}/vaults/v`);
    assertRefusal(await asked(), 403, 'AccessDeniedException', text);
    const policy = {
      Statement: {
        Effect: 'Allow',
        Principal: { AWS: OTHER },
        Action: 'glacier:DescribeVault',
        Resource: '*',
      },
    };
    await root.call('PUT', '/-/vaults/v/access-policy', { body: policyBody(policy) });
    assert.equal((await asked()).status, 200);
  });
});

describe('a lock simulation', () => {
  it('refuses missing or mistyped facts', async () => {
    const condition = { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } };
    const statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: 'glacier:DeleteArchive',
      Condition: condition,
    };
    const vault = 'arn:aws:glacier:us-east-1:111122223333:vaults/v';
    const policy = { Version: '2012-10-17', Statement: [{ ...statement, Resource: vault }] };
    const file = await admin.file('lock.json', JSON.stringify(policy));
    const simulate = (...facts: readonly string[]) => runMoraine(['lock', 'simulate', file, ...facts]);
    assert.match((await simulate('--age', '100')).output, /^denied/);
    assert.match((await simulate('--age', '365')).output, /^allowed/);
    const refused = async (reason: RegExp, ...facts: readonly string[]) => {
      const { code, errors } = await simulate(...facts);
      assert.equal(code, 2, facts.join(' '));
      assert.match(errors, reason);
    };
    await refused(/give --age DAYS/);
    for (const age of ['100d', 'x', '', '-1', '1e3'])
      await refused(/must be a number of days/, `--age=${age}`);
    await refused(/must be KEY=VALUE/, '--age', '1', '--tag', 'LegalHold');
  });
});
