/** Session tokens: sealed, short-lived, and revoked together with their user or key. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, adminOf } from '../support/admin.ts';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { identityPolicy, issueSession } from '../support/people.ts';
import { eventually } from '../support/poll.ts';
import type { Answer } from '../support/request.ts';
import { type Credentials, startServer, type TestServer } from '../support/server.ts';

type Session = Credentials & { readonly sessionToken: string };

const TOKEN = 'x-amz-security-token';

let server: TestServer;
let admin: Admin;
before(async () => {
  server = await startServer();
  admin = adminOf(server.data);
  await apiOf(server).createVault('v');
  await admin.run('user', 'create', 'amy');
  const policy = await admin.file('amy.json', identityPolicy('Allow', 'glacier:DescribeVault'));
  await admin.run('policy', 'put', 'p', policy, '--user', 'amy');
});
after(() => server.stop());

async function issue(...args: string[]): Promise<Session> {
  const made = await admin.json('key', 'issue', ...args);
  const { accessKeyId = '', secretAccessKey = '', sessionToken = '' } = made;
  assert.match(accessKeyId, /^ASIA[A-Z2-7]{16}$/);
  return { accountId: server.accountId, accessKeyId, secretAccessKey, sessionToken };
}

function ask(key: Credentials, token: string | undefined, target = '/-/vaults/v'): Promise<Answer> {
  const api: Api = apiOf({ ...server, ...key });
  return api.call('GET', target, { headers: { [TOKEN]: token } });
}

function assertUnrecognized(answer: Answer): void {
  const text = 'The security token included in the request is invalid.';
  assertRefusal(answer, 400, 'UnrecognizedClientException', text);
}

function untilUnrecognized({ ...session }: Session): Promise<true> {
  return eventually(
    'the end of the session',
    async () => (await ask(session, session.sessionToken)).status === 400,
  );
}

describe('temporary credentials', () => {
  it("have exactly their user's rights", async () => {
    const amy = await issue('--user', 'amy', '--for', '15m');
    assert.equal((await ask(amy, amy.sessionToken)).status, 200);
    const text = `User: arn:aws:iam::${server.accountId}:user/amy is not authorized to perform: glacier:ListVaults on resource: arn:aws:glacier:us-east-1:${server.accountId}:vaults/ because no identity-based policy allows the glacier:ListVaults action`;
    assertRefusal(await ask(amy, amy.sessionToken, '/-/vaults'), 403, 'AccessDeniedException', text);
  });

  it('can be issued for root', async () => {
    const session = await issue('--for', '1h');
    assert.equal((await ask(session, session.sessionToken, '/-/vaults')).status, 200);
  });

  it('work in presigned requests, with the token in the query', async () => {
    const session = await issue('--user', 'amy');
    const { presignTarget, sha256Hex } = await import('../support/signer.ts');
    const { sendRaw } = await import('../support/request.ts');
    const { host } = new URL(server.url);
    const target = presignTarget(
      { method: 'GET', target: '/-/vaults/v', headers: { host }, payloadHash: sha256Hex('') },
      { ...session, region: 'us-east-1', at: new Date() },
      { more: { 'X-Amz-Security-Token': session.sessionToken } },
    );
    const headers = { host, 'x-amz-glacier-version': '2012-06-01' };
    assert.equal((await sendRaw(server.url, { method: 'GET', target, headers })).status, 200);
  });

  it("are refused after they expire, with the service's text", async () => {
    const session = await issueSession(server.data, {
      account: server.accountId,
      keyId: server.accessKeyId,
      lifeMs: -1,
    });
    const text = 'The security token included in the request is expired';
    assertRefusal(await ask(session, session.sessionToken), 403, 'ExpiredTokenException', text);
  });

  it('are reported as expired only if the signature is valid', async () => {
    const life = { account: server.accountId, keyId: server.accessKeyId, lifeMs: -1 };
    const session = await issueSession(server.data, life);
    const forged = { ...session, secretAccessKey: 'not-the-secret-of-this-session' };
    const { status, text } = await ask(forged, session.sessionToken);
    assert.equal(status, 403);
    assert.match(text, /InvalidSignatureException/);
  });

  it('are refused without their token or with another one', async () => {
    const [one, two] = [await issue('--user', 'amy'), await issue('--user', 'amy')];
    assertUnrecognized(await ask(one, undefined));
    assertUnrecognized(await ask(one, two.sessionToken));
    assertUnrecognized(await ask(one, ''));
  });

  it('are refused when any character of the token is changed', async () => {
    const session = await issue('--user', 'amy');
    const token = session.sessionToken;
    for (let at = 0; at < token.length; at += Math.ceil(token.length / 40)) {
      const other = token[at] === 'A' ? 'B' : 'A';
      assertUnrecognized(await ask(session, token.slice(0, at) + other + token.slice(at + 1)));
    }
    for (const bad of [token.slice(1), token.slice(0, -4), `${token}AAAA`, 'x', token.repeat(2)]) {
      assertUnrecognized(await ask(session, bad));
    }
  });

  it('are refused when another installation issued them', async (t) => {
    const elsewhere = await startServer();
    t.after(() => elsewhere.stop());
    const life = { account: server.accountId, keyId: server.accessKeyId, lifeMs: 60_000 };
    const foreign = await issueSession(elsewhere.data, life);
    assertUnrecognized(await ask(foreign, foreign.sessionToken));
  });

  it('are refused with a long-term key, after its signature was verified', async () => {
    const { sessionToken } = await issue('--user', 'amy');
    assertUnrecognized(await ask(server, sessionToken));
    assertUnrecognized(await ask(server, 'any text'));
    const { text } = await ask({ ...server, secretAccessKey: 'another secret, not its own' }, 'any text');
    assert.match(text, /InvalidSignatureException/);
  });

  it('are revoked with the key that they were issued under', async () => {
    const key = await admin.key(server.accountId, 'amy');
    const session = await issue('--user', 'amy', '--key', key.accessKeyId);
    assert.equal((await ask(session, session.sessionToken)).status, 200);
    await admin.run('key', 'disable', key.accessKeyId);
    await untilUnrecognized(session);
  });

  it('are revoked with their user', async () => {
    await admin.run('user', 'create', 'eve');
    const session = await issue('--user', 'eve');
    assert.equal((await ask(session, session.sessionToken)).status, 403);
    await admin.run('user', 'delete', 'eve');
    await untilUnrecognized(session);
    // A new user of the same name does not restore them.
    await admin.run('user', 'create', 'eve');
    assertUnrecognized(await ask(session, session.sessionToken));
  });

  it('are issued only for a limited time and under an active key', async () => {
    assert.match(await admin.refused('key', 'issue', '--for', '37h'), /--for must be a time .*, not "37h"/);
    assert.match(await admin.refused('key', 'issue', '--for', '0s'), /--for must be a time .*, not "0s"/);
    assert.match(await admin.notFound('key', 'issue', '--key', 'AKIAX'), /no enabled key AKIAX/);
    assert.match(await admin.notFound('key', 'issue', '--user', 'zoe'), /no user zoe/);
  });
});
