/** Unmodified curl, which signs requests itself and sends targets in absolute form to a proxy. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { onPath, runClient } from '../support/client-program.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer } from '../support/server.ts';

const CURL = onPath('curl');
/** A host that does not exist, so requests to it arrive only through the proxy. */
const NOWHERE = 'http://glacier.invalid';

describe('curl', { skip: unlessPresent(CURL !== undefined, 'curl') }, () => {
  let server: TestServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.stop());

  const curl = async (...args: string[]): Promise<{ status: number; body: string }> => {
    const { accessKeyId, secretAccessKey } = server;
    const own = ['--silent', '--show-error', '--write-out', '\n%{http_code}', '--noproxy', ''];
    const signing = [
      '--aws-sigv4',
      'aws:amz:us-east-1:glacier',
      '--user',
      `${accessKeyId}:${secretAccessKey}`,
    ];
    const version = ['--header', 'x-amz-glacier-version: 2012-06-01'];
    const { code, output, errors } = await runClient(
      CURL ?? '',
      [...own, ...signing, ...version, ...args],
      server,
    );
    assert.equal(code, 0, errors);
    const at = output.lastIndexOf('\n');
    return { status: Number(output.slice(at + 1)), body: output.slice(0, at) };
  };

  it('gets answers from the server directly', async () => {
    assert.deepEqual(await curl('--request', 'PUT', `${server.url}/-/vaults/direct`), {
      status: 201,
      body: '{}',
    });
    const { status, body } = await curl(`${server.url}/-/vaults/direct`);
    assert.deepEqual([status, JSON.parse(body).VaultName], [200, 'direct']);
  });

  it('gets answers from the server when it is set as the proxy', async () => {
    const proxied = (...args: string[]) => curl('--proxy', server.url, ...args);
    assert.deepEqual(await proxied('--request', 'PUT', `${NOWHERE}/-/vaults/proxied`), {
      status: 201,
      body: '{}',
    });
    const { status, body } = await proxied(`${NOWHERE}/-/vaults/proxied`);
    assert.deepEqual([status, JSON.parse(body).VaultName], [200, 'proxied']);
    assert.equal((await proxied('--request', 'DELETE', `${NOWHERE}/-/vaults/proxied`)).status, 204);
  });

  it('gets the front page, which says what the server is', async () => {
    const { output } = await runClient(CURL ?? '', ['--silent', server.url], server);
    assert.match(output, /Moraine/);
  });
});
