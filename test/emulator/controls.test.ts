/** The emulator's control requests are unsigned, so requests that a web page can send must be refused. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { controlsOf, startEmulator } from '../support/emulator.ts';
import { sendRaw } from '../support/request.ts';
import type { TestServer } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const ACTIONS = [
  ['POST', '/clock', '{"advance":"5h"}'],
  ['POST', '/reset', ''],
  ['POST', '/faults', '{"operation":"ListVaults"}'],
  ['DELETE', '/faults', ''],
] as const;

let server: TestServer;
let api: Api;
before(async () => {
  server = await startEmulator({ flags: ['--emulator-hosts', 'moraine.test, CI.internal'] });
  api = apiOf(server);
  await api.createVault('kept');
});
after(() => server.stop());

type Headers = Readonly<Record<string, string>>;

const control = (method: string, action: string, body: string, headers: Headers) =>
  sendRaw(server.url, { method, target: `/_moraine/emulator${action}`, headers, body });

async function assertRefused(headers: Headers, message: RegExp): Promise<void> {
  for (const [method, action, body] of ACTIONS) {
    assertRefusal(await control(method, action, body, headers), 403, 'AccessDeniedException', message);
  }
  const { now, faults } = await controlsOf(server).state();
  assert.ok(Math.abs(Date.parse(now) - Date.now()) < 3_600_000, 'the clock was set');
  assert.deepEqual(faults, []);
  assert.equal((await api.call('GET', '/-/vaults/kept')).status, 200);
}

describe('a control request', () => {
  it('may end with a slash; an unknown one is refused with its whole path', async () => {
    assert.equal((await control('GET', '/', '', {})).status, 200);
    const answer = await control('POST', '/resett', '', JSON_TYPE);
    const text = 'There is no operation POST /_moraine/emulator/resett';
    assertRefusal(answer, 404, 'UnknownOperationException', text);
  });

  it('is refused with every content type that a form or a cross-origin fetch can send', async () => {
    await assertRefused({}, /Content-Type: application\/json or X-Moraine-Emulator.*--json/);
    for (const type of [
      'text/plain',
      'text/plain;charset=UTF-8',
      'text/plain; application/json',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=application/json',
      'application/jsonp',
      'application/json, text/plain',
    ])
      await assertRefused({ 'content-type': type }, /Content-Type: application\/json/);
  });

  it('is refused with an Origin, whatever its other headers', async () => {
    for (const origin of ['http://evil.example', 'null', server.url])
      await assertRefused({ ...JSON_TYPE, 'x-moraine-emulator': '1', origin }, /Origin/);
  });

  it('is refused under a host name open to DNS rebinding, and so is the state', async () => {
    for (const host of [
      'evil.example',
      'evil.example:4522',
      '127.0.0.1.evil.example',
      'localhost.evil.example',
      'moraine.test.evil.example',
      'evil.example.',
      '[::1].evil.example',
      '[evil.example]',
      '127.0.0.1@evil.example',
    ]) {
      await assertRefused({ ...JSON_TYPE, host }, /^Invalid Host: .*--emulator-hosts/);
      const state = await control('GET', '', '', { host });
      assertRefusal(state, 403, 'AccessDeniedException', /^Invalid Host: /);
    }
  });

  it('is refused without a Host header or with two', async () => {
    const request = 'POST /_moraine/emulator/reset';
    for (const head of [
      `${request} HTTP/1.0\r\ncontent-type: application/json\r\n\r\n`,
      `${request} HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\ncontent-type: application/json\r\n\r\n`,
    ]) {
      const wire = await Wire.open(server.url);
      wire.write(head);
      const { status } = await wire.answer();
      wire.destroy();
      assert.ok(status === 400 || status === 403, `${status} to ${head}`);
    }
    assert.equal((await api.call('GET', '/-/vaults/kept')).status, 200);
  });

  it('is accepted under IP addresses, names without a dot and names in the setting', async () => {
    const { port } = new URL(server.url);
    for (const host of [
      `127.0.0.1:${port}`,
      '192.0.2.7',
      '[::1]',
      `[2001:db8::1]:${port}`,
      'localhost',
      `LOCALHOST:${port}`,
      'moraine',
      'moraine.test',
      'ci.internal:4522',
    ]) {
      const answer = await control('DELETE', '/faults', '', { ...JSON_TYPE, host });
      assert.equal(answer.status, 200, `${host}: ${answer.text}`);
    }
  });

  it('is accepted with either a JSON type or the header', async () => {
    for (const headers of [
      JSON_TYPE,
      { 'content-type': 'Application/JSON ; charset=utf-8' },
      { 'x-moraine-emulator': '1' },
      { 'x-moraine-emulator': '', 'content-type': 'application/x-www-form-urlencoded' },
    ] as Headers[]) {
      const answer = await control('POST', '/clock', '{"advance":"0s"}', headers);
      assert.equal(answer.status, 200, answer.text);
    }
  });

  it('gets no CORS headers in its answer', async () => {
    const headers = {
      origin: 'http://evil.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-moraine-emulator',
    };
    for (const more of [{}, JSON_TYPE, { 'x-moraine-emulator': '1' }])
      for (const action of ['', '/clock', '/reset', '/faults']) {
        const answer = await control('OPTIONS', action, '', { ...headers, ...more });
        assert.ok(answer.status >= 400, `${answer.status}`);
        const permissions = Object.keys(answer.headers).filter((name) => name.startsWith('access-control'));
        assert.deepEqual(permissions, []);
      }
  });

  it('is refused before its body is read', async () => {
    const wire = await Wire.open(server.url);
    const headers = { host: 'localhost', 'content-length': '1000000', expect: '100-continue' };
    wire.write(headText('POST', '/_moraine/emulator/reset', headers));
    assert.equal((await wire.answer()).status, 403);
    wire.destroy();
  });
});
