import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { API } from '../../../src/operations/table.ts';
import { type Api, apiOf, assertJson, assertRefusal, type CallOptions } from '../../support/api.ts';
import { hashHeaders } from '../../support/request.ts';
import { startServer, type TestServer } from '../../support/server.ts';

const OTHER = '999999999999';
const DENIED = 'AccessDeniedException';

/** Operations that only the account that owns the vault may use, whatever policies say. */
const OWN_ACCOUNT_ONLY = [
  'CreateVault',
  'ListVaults',
  'SetDataRetrievalPolicy',
  'GetDataRetrievalPolicy',
  'PurchaseProvisionedCapacity',
  'ListProvisionedCapacity',
  'AddTagsToVault',
  'RemoveTagsFromVault',
  'ListTagsForVault',
  'InitiateVaultLock',
  'CompleteVaultLock',
  'AbortVaultLock',
];

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** A request for the operation in this account, valid enough to reach authorization. */
function requestFor(place: (typeof API)[number], account: string): [string, string, CallOptions] {
  const path = place.path
    .replace('{accountId}', account)
    .replace('{vaultName}', 'v')
    .replace(/\{\w+Id\}/, 'x');
  const query = place.query ? `?${place.query.name}=${place.query.value}` : '';
  const headers = /^Upload/.test(place.name) ? hashHeaders('x') : {};
  return [place.method, path + query, { headers, body: /^Upload/.test(place.name) ? 'x' : '' }];
}

describe('the account in the path', () => {
  it("may be a hyphen or the signer's account number", async () => {
    for (const account of ['-', server.accountId, '%2D']) {
      const json = assertJson(await api.call('GET', `/${account}/vaults/v`));
      assert.equal(json['VaultARN'], api.vaultArn('v'));
    }
  });

  it('must be twelve digits without hyphens, for every operation', async () => {
    const { accountId } = server;
    const hyphens = `${accountId.slice(0, 4)}-${accountId.slice(4, 8)}-${accountId.slice(8)}`;
    const message = 'No account found for the given parameters';
    for (const account of [hyphens, accountId.slice(1), `${accountId}0`, 'abcmnoxyz', '--', '%20']) {
      for (const place of API) {
        const answer = await api.call(...requestFor(place, account));
        assertRefusal(answer, 400, 'UnrecognizedClientException', message);
      }
    }
  });

  it('is refused by owner-only operations when it is not the signer’s', async () => {
    const places = API.filter(({ name }) => OWN_ACCOUNT_ONLY.includes(name));
    assert.equal(places.length, OWN_ACCOUNT_ONLY.length);
    for (const place of places) {
      const message = `Access denied for account ID: ${OTHER}`;
      assertRefusal(await api.call(...requestFor(place, OTHER)), 403, DENIED, message);
    }
  });

  it('needs permission for all other operations when it is not the signer’s', async () => {
    for (const place of API.filter(({ name }) => !OWN_ACCOUNT_ONLY.includes(name))) {
      const who = `User: arn:aws:iam::${server.accountId}:root is not authorized to perform: glacier:${place.name}`;
      const what = `${who} on resource: arn:aws:glacier:us-east-1:${OTHER}:vaults/v`;
      const answer = await api.call(...requestFor(place, OTHER));
      assertRefusal(answer, 403, DENIED, new RegExp(`^${what.replace(/[.*]/g, '\\$&')}(?:$| because )`));
    }
  });

  it('is required: /vaults is no operation', async () => {
    const message = 'There is no operation GET /vaults';
    assertRefusal(await api.call('GET', '//vaults'), 404, 'UnknownOperationException', message);
  });

  it("cannot be the prefix of the server's own pages", async () => {
    const health = await api.call('GET', '/_moraine/health');
    assert.equal(health.status, 200);
    assert.equal(health.json()['status'], 'ok');
    for (const target of ['/_moraine/vaults', '/_moraine/', '/_moraine/health/x']) {
      assertRefusal(
        await api.call('GET', target),
        404,
        'UnknownOperationException',
        /^There is no operation GET /,
      );
    }
    assertRefusal(await api.call('POST', '/_moraine/health'), 404, 'UnknownOperationException', /./);
  });
});

describe('the table of operations', () => {
  it("has the API's 33 operations, each with a method and path of its own", () => {
    assert.equal(new Set(API.map(({ name }) => name)).size, 33);
    assert.equal(new Set(API.map(({ method, path, query }) => `${method} ${path} ${query?.value}`)).size, 33);
  });
});

describe('paths and methods outside the API', () => {
  it('get a 404, whether the request is signed or not', async () => {
    const odd: [string, string][] = [
      ['GET', '/'],
      ['GET', '/-'],
      ['GET', '/-/'],
      ['GET', '/-/vault'],
      ['GET', '/-/Vaults'],
      ['POST', '/-/vaults/v'],
      ['PATCH', '/-/vaults/v'],
      ['HEAD', '/-/vaults/v/x'],
      ['PUT', '/-/vaults'],
      ['PUT', '/-/vaults/v/archives'],
      ['PUT', '/-/vaults/v/archives/x'],
      ['DELETE', '/-/vaults/v/archives'],
      ['GET', '/-/vaults/v/notification-policy'],
      ['GET', '/-/vaults/v/multipart-uploads/x/y'],
      ['GET', '/-/priority-capacity'],
      ['OPTIONS', '/-/vaults'],
    ];
    for (const [method, target] of odd) {
      const answer = await api.call(method, target);
      if (method === 'HEAD') assert.equal(answer.status, 404);
      else
        assertRefusal(answer, 404, 'UnknownOperationException', `There is no operation ${method} ${target}`);
      const unsigned = await api.call(method, target, { unsigned: { authorization: '' } });
      assert.equal(unsigned.status, 404);
    }
  });
});
