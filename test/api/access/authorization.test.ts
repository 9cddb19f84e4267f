/** Each of the 33 operations on a real server, called with and without permission. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { GLACIER_ACTIONS, isAccountAction } from '../../../src/domain/policy/actions.ts';
import { API } from '../../../src/operations/table.ts';
import { type Api, apiOf, assertRefusal } from '../../support/api.ts';
import { type Attempt, attempt, everyOperation, policyBody } from '../../support/every-operation.ts';
import { addPeople, allBut, identityPolicy } from '../../support/people.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const OTHER = '999999999999';
const DENIED = 'AccessDeniedException';

const NAMES: readonly string[] = API.map(({ name }) => name);
const OWN_ONLY = new Set<string>(API.filter(({ account }) => account === 'own-only').map(({ name }) => name));

let server: TestServer;
let root: Api;
/** Callers by name: the other account's root, and users named after their rights. */
let people: Readonly<Record<string, Api>>;
/** By operation. */
let attempts: ReadonlyMap<string, Attempt>;
let abroad: ReadonlyMap<string, Attempt>;

before(async () => {
  server = await startServer();
  root = apiOf(server);
  const account = server.accountId;
  const made = await addPeople(server.data, {
    nobody: { account, user: 'nobody' },
    ...Object.fromEntries(
      NAMES.flatMap((name) => [
        [
          `only-${name}`,
          { account, user: `only-${name}`, policies: [identityPolicy('Allow', `glacier:${name}`)] },
        ],
        [`but-${name}`, { account, user: `but-${name}`, policies: [allBut(`glacier:${name}`)] }],
      ]),
    ),
    stranger: { account: OTHER, user: 'stranger' },
    guest: { account: OTHER, user: 'guest', policies: [identityPolicy('Allow', 'glacier:*')] },
  });
  people = Object.fromEntries(
    Object.entries(made).map(([name, key]) => [name, apiOf({ ...server, ...key })]),
  );
  attempts = byName(await everyOperation(root, 'own'));
  abroad = byName(await everyOperation(root, 'abroad'));
});
after(() => server.stop());

function byName(list: readonly Attempt[]): ReadonlyMap<string, Attempt> {
  return new Map(list.map((one) => [one.name, one]));
}

function person(name: string): Api {
  const found = people[name];
  assert.ok(found, name);
  return found;
}

function find(name: string, among = attempts): Attempt {
  const found = among.get(name);
  assert.ok(found, name);
  return found;
}

/** The resource that a refusal names. */
function resourceOf({ name, path }: Attempt, account = server.accountId): string {
  const at = `arn:aws:glacier:us-east-1:${account}`;
  if (name.endsWith('ProvisionedCapacity')) return '*';
  if (name.endsWith('DataRetrievalPolicy')) return `${at}:policies/retrieval-limit-policy`;
  return `${at}:vaults/${/^\/vaults\/([^/?]+)/.exec(path)?.[1] ?? ''}`;
}

function refusedText(user: string, one: Attempt, why: string): string {
  const who = `User: arn:aws:iam::${user.startsWith('arn:') ? '' : `${server.accountId}:user/`}${user}`;
  return `${who} is not authorized to perform: glacier:${one.name} on resource: ${resourceOf(one)} ${why}`;
}

const unallowed = (name: string) => `because no identity-based policy allows the glacier:${name} action`;

it('lists the same 33 operations in the table, the requests and the policy actions', () => {
  assert.equal(NAMES.length, 33);
  assert.deepEqual([...NAMES].sort(), [...GLACIER_ACTIONS].sort());
  assert.deepEqual([...attempts.keys()].sort(), [...NAMES].sort());
});

describe('a user without rights', () => {
  for (const name of NAMES) {
    it(`is refused ${name}`, async () => {
      const one = find(name);
      const text = refusedText('nobody', one, unallowed(name));
      assertRefusal(await attempt(person('nobody'), one), 403, DENIED, text);
    });
  }

  for (const name of NAMES.filter((name) => !isAccountAction(name))) {
    it(`is refused ${name} in the same words on a vault that does not exist`, async () => {
      const one = { ...find(name), path: find(name).path.replace(/^\/vaults\/[^/?]+/, '/vaults/nowhere') };
      const text = refusedText('nobody', one, unallowed(name));
      assertRefusal(await attempt(person('nobody'), one), 403, DENIED, text);
    });
  }
});

describe('an explicit deny in a policy', () => {
  for (const name of NAMES) {
    it(`overrides permission for every action: ${name}`, async () => {
      const one = find(name);
      const text = refusedText(`but-${name}`, one, 'with an explicit deny in an identity-based policy');
      assertRefusal(await attempt(person(`but-${name}`), one), 403, DENIED, text);
    });
  }
});

describe('a policy for one action', () => {
  it('does not allow any other action', async () => {
    for (const name of NAMES) {
      const other = find(NAMES[(NAMES.indexOf(name) + 1) % NAMES.length] ?? '');
      const text = refusedText(`only-${name}`, other, unallowed(other.name));
      assertRefusal(await attempt(person(`only-${name}`), other), 403, DENIED, text);
    }
  });

  for (const name of NAMES) {
    it(`suffices for ${name}`, async () => {
      const one = find(name);
      const answer = await attempt(person(`only-${name}`), one);
      assert.equal(answer.status, one.status, answer.text);
    });
  }
});

/** A vault access policy for the other account, or for one user of it. */
function grant(principal: unknown, action: string): unknown {
  return {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Principal: principal, Action: action, Resource: '*' },
  };
}

async function setAccessPolicy(vault: string, policy: unknown): Promise<void> {
  const answer = await root.call('PUT', `/-/vaults/${vault}/access-policy`, { body: policyBody(policy) });
  assert.equal(answer.status, 204, answer.text);
}

describe('from another account', () => {
  for (const name of NAMES.filter((name) => OWN_ONLY.has(name))) {
    it(`${name} is refused whatever the policies say`, async () => {
      const answer = await attempt(person('guest'), find(name, abroad), server.accountId);
      assertRefusal(answer, 403, DENIED, `Access denied for account ID: ${server.accountId}`);
    });
  }

  for (const name of NAMES.filter((name) => !OWN_ONLY.has(name))) {
    const because = `because no resource-based policy allows the glacier:${name} action`;
    it(`${name} needs both a vault policy and an identity policy`, async () => {
      const one = find(name, abroad);
      const text = (user: string, why: string) =>
        `User: arn:aws:iam::${OTHER}:user/${user} is not authorized to perform: glacier:${name} on resource: ${resourceOf(one)} ${why}`;
      const asking = (who: string) => attempt(person(who), one, server.accountId);
      assertRefusal(await asking('guest'), 403, DENIED, text('guest', because));
      await setAccessPolicy(one.vault, grant({ AWS: OTHER }, `glacier:${name}`));
      assertRefusal(await asking('stranger'), 403, DENIED, text('stranger', unallowed(name)));
      const answer = await asking('guest');
      assert.equal(answer.status, one.status, answer.text);
    });
  }

  it("a vault policy for one user does not allow the account's other users", async () => {
    await root.createVault('for-one');
    await setAccessPolicy(
      'for-one',
      grant({ AWS: `arn:aws:iam::${OTHER}:user/somebody` }, 'glacier:DescribeVault'),
    );
    const answer = await person('guest').call('GET', `/${server.accountId}/vaults/for-one`);
    assert.equal(answer.status, 403, answer.text);
  });

  it("answers with the ARN of the vault's owner", async () => {
    await root.createVault('shown');
    await setAccessPolicy('shown', grant({ AWS: OTHER }, 'glacier:DescribeVault'));
    const answer = await person('guest').call('GET', `/${server.accountId}/vaults/shown`);
    assert.equal(answer.json()['VaultARN'], root.vaultArn('shown'));
  });
});

describe('a vault policy', () => {
  it("suffices for a user of the vault's account without an identity policy", async () => {
    await root.createVault('mine');
    const arn = `arn:aws:iam::${server.accountId}:user/nobody`;
    await setAccessPolicy('mine', grant({ AWS: arn }, 'glacier:DescribeVault'));
    assert.equal((await person('nobody').call('GET', '/-/vaults/mine')).status, 200);
  });

  it('can deny root everything except operations on the vault access policy itself', async () => {
    await root.createVault('shut');
    const deny = {
      Version: '2012-10-17',
      Statement: { Effect: 'Deny', Principal: '*', Action: 'glacier:*', Resource: '*' },
    };
    await setAccessPolicy('shut', deny);
    const text = `User: arn:aws:iam::${server.accountId}:root is not authorized to perform: glacier:DescribeVault on resource: ${root.vaultArn('shut')} with an explicit deny in a resource-based policy`;
    assertRefusal(await root.call('GET', '/-/vaults/shut'), 403, DENIED, text);
    assert.equal((await root.call('GET', '/-/vaults/shut/access-policy')).status, 200);
    assert.equal((await root.call('DELETE', '/-/vaults/shut/access-policy')).status, 204);
    assert.equal((await root.call('GET', '/-/vaults/shut')).status, 200);
  });
});
