import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { type Answer, hashHeaders, sendRaw } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { amzDate, presignTarget, type Signer, sha256Hex } from '../support/signer.ts';

const INVALID = 'InvalidSignatureException';
const MISMATCH =
  /^The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.\n\nThe Canonical String/;
const UNKNOWN = 'The security token included in the request is invalid.';
const EMPTY_HASH = sha256Hex('');
const MINUTE = 60_000;

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

const get = (options: Parameters<Api['call']>[2]): Promise<Answer> => api.call('GET', '/-/vaults/v', options);
const minutesFromNow = (minutes: number): Date => new Date(Date.now() + minutes * MINUTE);

/** Parses a time in an error message, ms. */
function timeOf(basic: string | undefined): number {
  const iso = (basic ?? '').replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  return Date.parse(iso);
}

describe('the signature', () => {
  it('is required', async () => {
    const { authorization: _, ...headers } = api.headersOf('GET', '/-/vaults/v');
    const answer = await sendRaw(server.url, { method: 'GET', target: '/-/vaults/v', headers });
    assertRefusal(answer, 400, 'MissingAuthenticationTokenException', 'Missing Authentication Token');
  });

  it("of an unknown key gets the unknown key's error", async () => {
    const answer = await get({ signer: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE' } });
    assertRefusal(answer, 400, 'UnrecognizedClientException', UNKNOWN);
  });

  it('made with another secret gets a mismatch error', async () => {
    assertRefusal(await get({ signer: { secretAccessKey: 'another' } }), 403, INVALID, MISMATCH);
  });

  it('is valid only for the signed request', async () => {
    const signed = api.headersOf('GET', '/-/vaults/v');
    const send = (change: object) =>
      sendRaw(server.url, { method: 'GET', target: '/-/vaults/v', headers: signed, ...change });
    assert.equal((await send({})).status, 200);
    const changes = [
      { method: 'DELETE' },
      { target: '/-/vaults/w' },
      { target: '/-/vaults/v?limit=1' },
      { headers: { ...signed, 'x-amz-date': amzDate(minutesFromNow(1)) } },
      { headers: { ...signed, host: 'example.org' } },
      { headers: { ...signed, 'x-amz-glacier-version': '2012-06-02' } },
      { body: 'x', headers: { ...signed, 'content-length': '1' } },
    ];
    for (const change of changes) assertRefusal(await send(change), 403, INVALID, /./);
  });

  it('covers a JSON body, with or without a header of its hash', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const body = '{"Tags":{"a":"b"}}';
    const forged = await api.call('POST', target, { body, payloadHash: sha256Hex('{"Tags":{"a":"c"}}') });
    assertRefusal(forged, 403, INVALID, MISMATCH);
    const claimed = sha256Hex('{"Tags":{"a":"c"}}');
    const lie = await api.call('POST', target, { body, headers: { 'x-amz-content-sha256': claimed } });
    const message = `The value passed in as x-amz-content-sha256 does not match the computed payload hash. Computed digest: ${sha256Hex(body)} expected hash: ${claimed}`;
    assertRefusal(lie, 403, INVALID, message);
    assert.equal((await api.call('GET', '/-/vaults/v/tags')).text, '{"Tags":{}}');
  });

  it('covers a description with repeated spaces and escapes as sent', async () => {
    for (const text of ['two  spaces', 'a   b    c', 'per%20cent', 'mt2 eyJmaWxlbmFtZSI6ImEifQ']) {
      const headers = { ...hashHeaders('x'), 'x-amz-archive-description': text };
      assertEmpty(await api.call('POST', '/-/vaults/v/archives', { headers, body: 'x' }), 201);
    }
  });

  it('covers paths and queries with escapes as sent', async () => {
    assertJson(await api.call('GET', '/-/vaults/%76'));
    assertJson(await api.call('GET', '/-/v%61ults/v?a=%2F%3a+b&c&%64=%20'));
    assertEmpty(
      await api.call('POST', '/-/vaults/v/tags?operation=%72emove', { body: '{"TagKeys":["a"]}' }),
      204,
    );
  });

  it('must be scoped to this service, a valid region, and the day of its date', async () => {
    const { authorization = '', ...headers } = api.headersOf('GET', '/-/vaults/v');
    const day = amzDate(new Date()).slice(0, 8);
    const send = (scope: string) => {
      const changed = authorization.replace(/\d{8}\/us-east-1\/glacier\/aws4_request/, scope);
      return sendRaw(server.url, {
        method: 'GET',
        target: '/-/vaults/v',
        headers: { ...headers, authorization: changed },
      });
    };
    const service = "Credential should be scoped to correct service: 'glacier'.";
    assertRefusal(await send(`${day}/us-east-1/s3/aws4_request`), 403, INVALID, service);
    const region = "Credential should be scoped to a valid region, not 'US EAST'.";
    assertRefusal(await send(`${day}/US EAST/glacier/aws4_request`), 403, INVALID, region);
    for (const scope of [
      '20120525/us-east-1/glacier/aws4_request',
      `${day}/us-east-1/glacier/aws4`,
      'x',
      '',
    ]) {
      assertRefusal(await send(scope), 403, INVALID, /./);
    }
  });

  it('of another algorithm is refused', async () => {
    for (const authorization of [
      'AWS AKIA:signature',
      'AWS4-ECDSA-P256-SHA256 Credential=a/b',
      'Bearer x',
      'AWS4-HMAC-SHA256',
      'AWS4-HMAC-SHA256 Credential=',
      'AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=00',
      ',,,=',
    ]) {
      assertRefusal(await get({ unsigned: { authorization } }), 403, INVALID, /./);
    }
  });

  it('is checked before an invalid session token is refused', async () => {
    const headers = { 'x-amz-security-token': 'EXAMPLETOKEN' };
    assertRefusal(await get({ headers }), 400, 'UnrecognizedClientException', UNKNOWN);
    assertRefusal(await get({ headers, signer: { secretAccessKey: 'another' } }), 403, INVALID, MISMATCH);
  });
});

describe('the time window', () => {
  it('is five minutes in both directions', async () => {
    for (const minutes of [-4.9, 4.9]) {
      assertJson(await get({ signer: { at: minutesFromNow(minutes) } }));
    }
  });

  it('refuses an expired signature, naming its date, the server’s and the limit', async () => {
    const at = minutesFromNow(-6);
    const answer = await get({ signer: { at } });
    const pattern = /^Signature expired: (\w+) is now earlier than (\w+) \((\w+) - 5 min\.\)$/;
    assertRefusal(answer, 403, INVALID, pattern);
    const [, signed, limit, now] = pattern.exec(String(answer.json()['message'])) ?? [];
    assert.equal(signed, amzDate(at));
    assert.equal(timeOf(now) - timeOf(limit), 5 * MINUTE);
    assert.ok(Math.abs(timeOf(now) - Date.now()) < MINUTE);
  });

  it('refuses a signature of the future, naming its date, the server’s and the limit', async () => {
    const at = minutesFromNow(6);
    const answer = await get({ signer: { at } });
    const pattern = /^Signature not yet current: (\w+) is still later than (\w+) \((\w+) \+ 5 min\.\)$/;
    assertRefusal(answer, 403, INVALID, pattern);
    const [, signed, limit, now] = pattern.exec(String(answer.json()['message'])) ?? [];
    assert.equal(signed, amzDate(at));
    assert.equal(timeOf(limit) - timeOf(now), 5 * MINUTE);
  });

  it('is checked before the key is looked up', async () => {
    const answer = await get({ signer: { at: minutesFromNow(-10), accessKeyId: 'AKIAUNKNOWNUNKNOWN00' } });
    assertRefusal(answer, 403, INVALID, /^Signature expired: /);
  });
});

describe('a presigned request', () => {
  const signer = (change: Partial<Signer> = {}): Signer => ({
    ...server,
    region: 'us-east-1',
    at: new Date(),
    ...change,
  });
  const version = { 'x-amz-glacier-version': '2012-06-01' };

  interface Presigned {
    readonly method?: string;
    readonly target?: string;
    readonly body?: string;
    readonly headers?: Record<string, string>;
    readonly payloadHash?: string;
    readonly who?: Partial<Signer>;
    readonly expires?: string;
    readonly more?: Record<string, string>;
  }

  const send = (change: Presigned = {}): Promise<Answer> => {
    const { method = 'GET', target = '/-/vaults/v', body = '', headers = version, who, ...rest } = change;
    const { host } = new URL(server.url);
    const payloadHash = change.payloadHash ?? sha256Hex(body);
    const options = {
      ...(rest.expires ? { expires: rest.expires } : {}),
      ...(rest.more ? { more: rest.more } : {}),
    };
    const unsigned = { method, target, headers: { host }, payloadHash };
    return sendRaw(server.url, {
      method,
      target: presignTarget(unsigned, signer(who), options),
      headers,
      body,
    });
  };

  it('is accepted', async () => {
    assert.equal(assertJson(await send())['VaultName'], 'v');
    assertJson(await send({ target: '/-/vaults?limit=1' }));
  });

  it('needs the version header like every request', async () => {
    const answer = await send({ headers: {} });
    assertRefusal(answer, 400, 'MissingParameterValueException', 'Required parameter missing: API version');
  });

  it('covers the body', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const body = '{"Tags":{"presigned":"yes"}}';
    assertEmpty(await send({ method: 'POST', target, body }), 204);
    assertRefusal(
      await send({ method: 'POST', target, body, payloadHash: EMPTY_HASH }),
      403,
      INVALID,
      MISMATCH,
    );
  });

  it('can upload an archive with hash headers', async () => {
    const body = 'Hello World!';
    const target = '/-/vaults/v/archives';
    const headers: Record<string, string> = { ...version, ...hashHeaders(body) };
    assertEmpty(await send({ method: 'POST', target, body, headers }), 201);
    const { 'x-amz-content-sha256': _, ...without } = headers;
    const refused = await send({ method: 'POST', target, body, headers: without });
    const message = 'Required parameter missing: x-amz-content-sha256';
    assertRefusal(refused, 400, 'MissingParameterValueException', message);
  });

  it('with an unsigned payload is refused', async () => {
    const more = { 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
    assertRefusal(
      await send({ more, payloadHash: 'UNSIGNED-PAYLOAD' }),
      403,
      INVALID,
      /^The value passed in/,
    );
    const headers = { ...version, 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' };
    assertRefusal(
      await send({ headers, payloadHash: 'UNSIGNED-PAYLOAD' }),
      403,
      INVALID,
      /^The value passed in/,
    );
    assertRefusal(await send({ payloadHash: 'UNSIGNED-PAYLOAD' }), 403, INVALID, MISMATCH);
  });

  it('is valid from five minutes before its date until it expires', async () => {
    assertJson(await send({ who: { at: minutesFromNow(-60) }, expires: '3700' }));
    assertJson(await send({ who: { at: minutesFromNow(4.9) } }));
    const late = await send({ who: { at: minutesFromNow(-2) }, expires: '60' });
    assertRefusal(late, 403, INVALID, /^Signature expired: \w+ is now earlier than \w+ \(\w+ - 60 sec\.\)$/);
    const early = await send({ who: { at: minutesFromNow(6) } });
    assertRefusal(early, 403, INVALID, /^Signature not yet current: /);
  });

  it('may be valid for 1 to 604,800 seconds', async () => {
    assertJson(await send({ expires: '604800' }));
    for (const expires of ['0', '604801', '-1', 'x', '1e3', '']) {
      assertRefusal(await send({ more: { 'X-Amz-Expires': expires } }), 403, INVALID, /X-Amz-Expires/);
    }
  });

  it('is refused together with an Authorization header, when changed, and when incomplete', async () => {
    const { host } = new URL(server.url);
    const unsigned = { method: 'GET', target: '/-/vaults/v', headers: { host }, payloadHash: EMPTY_HASH };
    const target = presignTarget(unsigned, signer());
    const both = await sendRaw(server.url, {
      method: 'GET',
      target,
      headers: api.headersOf('GET', '/-/vaults/v'),
    });
    assertRefusal(both, 403, INVALID, /^Only one form of authentication/);
    const broken = [
      `${target}&limit=1`,
      target.replace('/v?', '/w?'),
      target.replace(/&X-Amz-Date=[^&]*/, ''),
    ];
    broken.push(
      target.replace(/.$/, (c) => (c === '0' ? '1' : '0')),
      target.replace(/&X-Amz-Signature=.*/, ''),
    );
    for (const odd of broken) {
      assertRefusal(
        await sendRaw(server.url, { method: 'GET', target: odd, headers: version }),
        403,
        INVALID,
        /./,
      );
    }
  });

  it('is checked before an invalid session token is refused', async () => {
    const more = { 'X-Amz-Security-Token': 'EXAMPLETOKEN' };
    assertRefusal(await send({ more }), 400, 'UnrecognizedClientException', UNKNOWN);
  });
});
