/**
 * Warnings about a lock policy, given while the lock can still be aborted: in a header, and by `moraine lock check`.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { runMoraine } from '../../support/command.ts';
import { policyBody } from '../../support/every-operation.ts';
import { denyDelete, locksOf, YEAR_LOCK } from '../../support/locks.ts';
import { startServer, type TestServer } from '../../support/server.ts';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const PAST = denyDelete({ DateLessThan: { 'aws:CurrentTime': '2020-01-01T00:00:00Z' } });

const statement = (more: object) => ({
  Version: '2012-10-17',
  Statement: [
    { Sid: 'keep', Effect: 'Deny', Principal: '*', Action: 'glacier:DeleteArchive', Resource: '*', ...more },
  ],
});

describe('InitiateVaultLock', () => {
  it('warns in a header about conditions that will never match or can never be lifted', async () => {
    const api = apiOf(server);
    const rows: readonly (readonly [string, unknown, RegExp])[] = [
      [
        'past',
        PAST,
        /^danger: The policy would lock nothing: .*never applies: DateLessThan on aws:CurrentTime can never be met again/,
      ],
      ['ever', statement({}), /^danger: Statement "keep" denies deletion for ever/],
      ['all', statement({ Action: 'glacier:*' }), /^danger: Statement "keep" denies every action for ever/],
    ];
    for (const [vault, policy, warning] of rows) {
      await api.createVault(vault);
      const answer = await locksOf(api).initiate(vault, policy);
      assertEmpty(answer, 201);
      assert.match(answer.headers['x-moraine-warning'] ?? '', warning);
    }
  });

  it('sends no header for a sound policy or for one with only a note', async () => {
    const api = apiOf(server, 'eu-west-1');
    for (const [vault, policy] of [
      ['sound', YEAR_LOCK],
      [
        'note',
        statement({
          Action: ['glacier:DeleteArchive', 'glacier:ListVaults'],
          Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } },
        }),
      ],
    ] as const) {
      await api.createVault(vault);
      const answer = await locksOf(api).initiate(vault, policy);
      assertEmpty(answer, 201);
      assert.equal(answer.headers['x-moraine-warning'], undefined);
    }
  });

  it('warns in at most 2,000 characters of printable ASCII, whatever the statement ids are', async () => {
    const api = apiOf(server, 'eu-west-2');
    await api.createVault('v');
    const many = Array.from({ length: 60 }, (_, i) => ({
      ...statement({}).Statement[0],
      Sid: `Löschen ${i} 😀\n`,
    }));
    const answer = await locksOf(api).initiate('v', { Version: '2012-10-17', Statement: many });
    assertEmpty(answer, 201);
    const warning = answer.headers['x-moraine-warning'] ?? '';
    assert.match(warning, /^danger: Statement "L\\u00f6schen 0 [\x20-\x7e]*\.\.\.$/);
    assert.equal(warning.length, 2000);
  });
});

describe('an account-level action in a vault policy', () => {
  it('is accepted without effect', async () => {
    const api = apiOf(server, 'eu-west-3');
    await api.createVault('v');
    const deny = statement({
      Action: ['glacier:ListVaults', 'glacier:CreateVault', 'glacier:GetDataRetrievalPolicy'],
    });
    assertEmpty(await api.call('PUT', '/-/vaults/v/access-policy', { body: policyBody(deny) }), 204);
    assert.equal(
      assertJson(await api.call('GET', '/-/vaults/v/access-policy'))['Policy'],
      JSON.stringify(deny),
    );
    assertEmpty(await locksOf(api).initiate('v', deny), 201);
    assertJson(await api.call('GET', '/-/vaults'));
    assertEmpty(await api.call('PUT', '/-/vaults/v'), 201);
    assertJson(await api.call('GET', '/-/policies/data-retrieval'));
  });
});

describe('any region name', () => {
  it('is accepted in scopes, policy resources, locks and topics, and keeps its case', async () => {
    for (const region of ['GRA', 'RegionOne', 'eu_west_1', 'dc.1-a', '..', 'r'.repeat(64)]) {
      const api = apiOf(server, region);
      await api.createVault('v');
      assert.equal(assertJson(await api.call('GET', '/-/vaults/v'))['VaultARN'], api.vaultArn('v'));
      const policy = statement({
        Resource: api.vaultArn('v'),
        Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '1' } },
      });
      assertEmpty(await api.call('PUT', '/-/vaults/v/access-policy', { body: policyBody(policy) }), 204);
      await locksOf(api).begin('v', policy);
      const id = await api.upload('v', 'x');
      assertRefusal(
        await locksOf(api).remove('v', id),
        403,
        'AccessDeniedException',
        /with an explicit deny/,
      );
      const topic = `arn:aws:sns:${region}:111122223333:topic`;
      const body = JSON.stringify({ SNSTopic: topic, Events: ['ArchiveRetrievalCompleted'] });
      assertEmpty(await api.call('PUT', '/-/vaults/v/notification-configuration', { body }), 204);
      const job = { Type: 'archive-retrieval', ArchiveId: id, SNSTopic: topic };
      assertEmpty(await api.call('POST', '/-/vaults/v/jobs', { body: JSON.stringify(job) }), 202);
    }
    const other = apiOf(server, 'gra');
    assertRefusal(await other.call('GET', '/-/vaults/v'), 404, 'ResourceNotFoundException', /gra/);
    for (const region of ['r'.repeat(65), 'a b', 'eu:1', 'é']) {
      const signer = { region };
      const refused = await apiOf(server).call('GET', '/-/vaults', { signer });
      assertRefusal(refused, 403, 'InvalidSignatureException', /valid region/);
    }
  });
});

describe('moraine lock check', () => {
  const check = async (policy: unknown) => {
    const file = join(server.data, 'policy.json');
    await writeFile(file, JSON.stringify(policy));
    return runMoraine(['lock', 'check', file]);
  };

  it('reports a condition that will never match', async () => {
    const { code, output } = await check(PAST);
    assert.equal(code, 1);
    assert.match(output, /^danger: The policy would lock nothing/m);
    assert.match(
      output,
      /^warning: Statement .* never applies: DateLessThan on aws:CurrentTime can never be met again/m,
    );
  });

  it('names each statement once', async () => {
    const { output } = await check(statement({}));
    assert.match(output, /^danger: Statement "keep" denies deletion for ever/m);
  });

  it('reads the vault from the policy, in any region', async () => {
    const Resource = 'arn:aws:glacier:eu_West.1:111122223333:vaults/photos';
    const Condition = { NumericLessThan: { 'glacier:ArchiveAgeInDays': '365' } };
    const { code, output, errors } = await check(
      statement({ Resource, Condition, Action: ['glacier:DeleteArchive', 'glacier:ListVaults'] }),
    );
    assert.equal(code, 1, errors);
    assert.ok(output.includes(Resource), output);
    assert.match(output, /^note: Statement "keep" names glacier:ListVaults: only identity policies decide/m);
  });
});
