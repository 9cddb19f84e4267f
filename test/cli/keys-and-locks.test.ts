/** Keys and lock policies set by commands while a server runs. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Admin, adminOf } from '../support/admin.ts';
import { type Api, apiOf } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { policyBody } from '../support/every-operation.ts';
import { eventually } from '../support/poll.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let admin: Admin;
let root: Api;
before(async () => {
  server = await startServer();
  admin = adminOf(server.data);
  root = apiOf(server);
  await root.createVault('photos');
});
after(() => server.stop());

const untilStatus = (status: number): Promise<true> =>
  eventually(`status ${status}`, async () => (await root.call('GET', '/-/vaults')).status === status);
const credentials = (): Promise<string> => readFile(join(server.data, 'root-credentials'), 'utf8');
const SIGNS = /^\[default\]\naws_access_key_id = (\S+)\naws_secret_access_key = (\S+)$/m;

describe("the root's first key", () => {
  it('cannot be disabled or deleted without --yes while it is the last enabled one', async () => {
    for (const command of ['disable', 'delete']) {
      const refusal = await admin.refused('key', command, server.accessKeyId);
      assert.match(refusal, /is the last enabled key of the root of account \d{12}: .* give --yes$/);
    }
    await untilStatus(200);
  });

  it('works again when it is enabled, and its file is updated', async () => {
    const whole = await credentials();
    assert.match(whole, SIGNS);
    await admin.json('key', 'disable', server.accessKeyId, '--yes');
    await untilStatus(400);
    const marked = await credentials();
    assert.doesNotMatch(marked, SIGNS);
    assert.match(marked, new RegExp(`^#: ${server.accessKeyId} was disabled on `, 'm'));
    // Needs no --yes, because a disabled key is not the last enabled one.
    await admin.json('key', 'disable', server.accessKeyId);
    await admin.json('key', 'enable', server.accessKeyId);
    await untilStatus(200);
    assert.equal(await credentials(), whole);
  });

  it('is removed from its file, with its secret, when it is deleted', async () => {
    const next = await admin.key(server.accountId);
    root = apiOf({ ...server, ...next });
    await untilStatus(200);
    await admin.json('key', 'delete', server.accessKeyId);
    const text = await credentials();
    assert.ok(!text.includes(server.secretAccessKey) && !text.includes(server.accessKeyId), text);
    assert.match(text, /^#: The key in this file was deleted on /m);
    assert.match(await admin.refused('key', 'delete', next.accessKeyId), /last enabled key/);
  });
});

describe('a list of keys', () => {
  it('shows the keys of root and users with their owners, or those of one user', async () => {
    await admin.run('user', 'create', 'amy');
    const amy = await admin.key(server.accountId, 'amy');
    const keys = (await admin.run('key', 'list')).map((line) => JSON.parse(line));
    assert.deepEqual(keys.map(({ user }) => user).sort(), ['amy', null]);
    assert.ok(keys.some(({ accessKeyId, user }) => user === 'amy' && accessKeyId === amy.accessKeyId));
    const own = (await admin.run('key', 'list', '--user', 'amy')).map((line) => JSON.parse(line));
    assert.deepEqual(
      own.map(({ accessKeyId }) => accessKeyId),
      [amy.accessKeyId],
    );
    // A user's last key may be deleted, because root can make another.
    await admin.json('key', 'disable', amy.accessKeyId);
  });
});

describe('an unknown name', () => {
  it('is refused with a list of the known ones', async () => {
    assert.match(
      await admin.notFound('user', 'delete', 'amyy'),
      /there is no user amyy in the account \d{12}; the users of the account \d{12} are: amy$/,
    );
    assert.match(await admin.refused('policy', 'list'), /--user NAME is missing; the users .* are: amy$/);
    assert.match(await admin.notFound('key', 'disable', 'AKIANONE'), /no key AKIANONE; the keys are: AKIA/);
    assert.match(
      await admin.notFound('policy', 'delete', 'p', '--user', 'amy'),
      /the user amy has no policy p; there are no policies$/,
    );
    assert.match(
      await admin.notFound('user', 'list', '--account-id', '999999999999'),
      new RegExp(`there is no account 999999999999; the accounts are: ${server.accountId}$`),
    );
  });
});

describe('lock check', () => {
  const policy = (resource: string, days = '365') => ({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'keep',
        Effect: 'Deny',
        Principal: '*',
        Action: 'glacier:DeleteArchive',
        Resource: resource,
        Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': days } },
      },
    ],
  });
  const check = (...args: string[]) => runMoraine(['lock', 'check', ...args]);

  it('reports which vault it checked, and whether that exists', async () => {
    const arn = root.vaultArn('photos');
    const file = await admin.file('lock.json', policy(arn));
    const alone = await check(file);
    assert.ok(alone.output.startsWith(`checked for ${arn}; use --data to check that this vault exists\n`));
    for (const more of [[], ['--vault', 'photos'], ['--vault', arn]]) {
      const found = await check(file, '--data', server.data, ...more);
      assert.ok(found.output.startsWith(`checked for ${arn}, which exists\n`), found.output + found.errors);
    }
    const some = await check(await admin.file('any.json', policy('*')));
    assert.match(some.output, /^checked for an example vault, because the policy names none/);
  });

  it('refuses a mistyped vault name', async () => {
    const file = await admin.file('typo.json', policy(root.vaultArn('photso')));
    const wanted = new RegExp(
      `there is no vault .*photso in .*; the vaults are: ${root.vaultArn('photos')}$`,
    );
    assert.match(await admin.notFound('lock', 'check', file), wanted);
    assert.match(await admin.notFound('lock', 'check', file, '--vault', 'photso'), wanted);
    assert.match(await admin.notFound('lock', 'simulate', file, '--age', '1'), wanted);
    assert.match(
      await admin.refused('lock', 'check', file, '--vault', 'photos'),
      /does not match this vault/,
    );
    assert.match(
      await admin.refused('lock', 'check', file, '--vault', 'arn:aws:glacier:x'),
      /must be a name or an ARN such as/,
    );
    assert.match(await admin.refused('lock', 'check'), /give a policy file, or --vault/);
  });

  it("checks the vault's current lock without a file, and exits with 1 if it finds a fault", async () => {
    assert.match(await admin.notFound('lock', 'check', '--vault', 'photos'), /photos has no lock/);
    const body = policyBody(policy(root.vaultArn('photos'), '999999'));
    const answer = await root.call('POST', '/-/vaults/photos/lock-policy', { body });
    assert.equal(answer.status, 201, answer.text);
    const { code, output } = await check('--vault', 'photos', '--data', server.data);
    assert.match(output, /^checked for arn:aws:glacier:us-east-1:\d{12}:vaults\/photos, lock in progress\n/);
    assert.match(output, /^danger: Statement "keep" denies/m);
    assert.equal(code, 1);
  });
});
