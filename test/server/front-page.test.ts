import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { apiOf, assertCommon, assertRefusal } from '../support/api.ts';
import { sendRaw } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
before(async () => {
  server = await startServer();
});
after(() => server.stop());

const ask = (method: string, target: string) => sendRaw(server.url, { method, target });

describe('the page at /', () => {
  it('says in three lines what this server is and where to read more, and needs no signature', async () => {
    for (const target of ['/', '//', 'http://any']) {
      const answer = await ask('GET', target);
      assert.equal(answer.status, 200);
      assertCommon(answer);
      assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(answer.headers['content-length'], String(answer.text.length));
      assert.equal(answer.text.trimEnd().split('\n').length, 3);
      const health = /^Health: (\S+)$/m.exec(answer.text)?.[1] ?? '';
      assert.equal((await ask('GET', health)).json()['status'], 'ok');
    }
  });

  it('has no body for HEAD', async () => {
    const { status, text } = await ask('HEAD', '/');
    assert.deepEqual([status, text], [200, '']);
  });

  it('is not sent for other methods, with parameters, or to signed requests, which are meant for another API', async () => {
    const none = ['UnknownOperationException', /^There is no operation (?:GET|POST|DELETE) \/$/] as const;
    for (const method of ['POST', 'DELETE']) assertRefusal(await ask(method, '/'), 404, ...none);
    assertRefusal(await ask('GET', '/?list-type=2'), 404, ...none);
    assertRefusal(await apiOf(server).call('GET', '/'), 404, ...none);
  });
});
