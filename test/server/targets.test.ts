/** Request targets in the forms that clients and proxies send: the server routes exactly what was signed. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertJson, assertRefusal } from '../support/api.ts';
import { type Answer, hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

const MISMATCH = /^The request signature we calculated does not match/;

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Sends a head with the unchanged target over a new connection. */
async function sendHead(
  method: string,
  target: string,
  headers: Record<string, string>,
  body = '',
): Promise<Answer> {
  const wire = await Wire.open(server.url);
  wire.write(headText(method, target, headers) + body);
  const answer = await wire.answer();
  wire.destroy();
  return answer;
}

/** Sends a GET with a target other than the signed path. */
function signedOver(path: string, target: string, headers: Record<string, string> = {}): Promise<Answer> {
  return sendHead('GET', target, api.headersOf('GET', path, { headers }));
}

describe('a target in absolute form', () => {
  it('is reduced to its path and query, whatever host it names', async () => {
    for (const origin of [
      server.url,
      'http://any',
      'https://glacier.us-east-1.amazonaws.com:443',
      'HTTP://u:p@x',
    ]) {
      const answer = await signedOver('/-/vaults/v', `${origin}/-/vaults/v`);
      assert.equal(assertJson(answer)['VaultName'], 'v', origin);
    }
    assertJson(await signedOver('/-/vaults?limit=1', 'http://any//-/vaults?limit=1'));
  });

  it('is verified with the received Host header', async () => {
    const host = 'glacier.us-east-1.amazonaws.com';
    assertJson(await signedOver('/-/vaults/v', `http://${host}/-/vaults/v`, { host }));
    const headers = { ...api.headersOf('GET', '/-/vaults/v', { headers: { host } }), host: 'other.example' };
    const forged = await sendHead('GET', `http://${host}/-/vaults/v`, headers);
    assertRefusal(forged, 403, 'InvalidSignatureException', MISMATCH);
  });

  it('is accepted for uploads', async () => {
    const headers = api.headersOf('POST', '/-/vaults/v/archives', { headers: hashHeaders('abc') });
    const answer = await sendHead('POST', 'http://any/-/vaults/v/archives', headers, 'abc');
    assert.equal(answer.status, 201, answer.text);
  });

  it("reaches the server's own pages", async () => {
    assertJson(await sendHead('GET', 'http://any/_moraine/health', { host: 'any' }));
  });

  it('is refused without a path of the API', async () => {
    for (const target of ['http://any', 'http://any?x', 'http:///', 'http://-/vaults']) {
      const answer = await signedOver('/', target);
      assertRefusal(answer, 404, 'UnknownOperationException', /^There is no operation GET \//);
    }
  });
});

describe('doubled and final slashes', () => {
  it('are ignored, whether the client signs the path as sent or normalized', async () => {
    const forms = ['//-/vaults/v', '/-//vaults/v', '/-/vaults//v', '/-/vaults/v/', '///-///vaults///v///'];
    for (const target of forms) {
      assert.equal(assertJson(await api.call('GET', target))['VaultName'], 'v', target);
      // The signed path includes one final slash.
      const reduced = target.endsWith('/') ? '/-/vaults/v/' : '/-/vaults/v';
      assertJson(await signedOver(reduced, target));
    }
    assertJson(await api.call('GET', '//-/vaults'));
    assertJson(await api.call('GET', '/-/vaults//?limit=1'));
    assertJson(await api.call('GET', '//_moraine//health/'));
  });

  it('are signed: a final slash cannot be added or removed', async () => {
    const pairs = [
      ['/-/vaults/v', '/-/vaults/v/'],
      ['/-/vaults/v/', '/-/vaults/v'],
    ] as const;
    for (const [path, target] of pairs) {
      assertRefusal(await signedOver(path, target), 403, 'InvalidSignatureException', MISMATCH);
    }
  });

  it('do not change which vault is meant', async () => {
    assert.equal((await api.call('PUT', '//-/vaults//slashed/')).status, 201);
    assert.equal(assertJson(await api.call('GET', '/-/vaults/slashed'))['VaultName'], 'slashed');
  });

  it('do not hide dot segments', async () => {
    for (const target of ['http://any/-/vaults/../vaults/v', '/-//./vaults/v', '/-/vaults/v//..']) {
      assertRefusal(
        await signedOver('/-/vaults/v', target),
        400,
        'InvalidParameterValueException',
        /^Invalid path: /,
      );
    }
  });
});
