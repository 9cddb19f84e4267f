/** Unmodified curl, which signs requests itself and sends targets in absolute form to a proxy. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { apiOf } from '../support/api.ts';
import { onPath, runClient } from '../support/client-program.ts';
import { unlessPresent } from '../support/require.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { folderFor } from '../support/test-servers.ts';

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

  it('runs the reading commands of docs/extensions.md', async (t) => {
    const api = apiOf(server);
    await api.createVault('photos');
    const id = await api.upload('photos', 'the bytes', '2019/a.jpg');
    const page = await readFile(new URL('../../docs/extensions.md', import.meta.url), 'utf8');
    const blocks = [...page.matchAll(/^```\n(curl [^`]*)```$/gm)].map(([, block = '']) => block);
    const folder = await folderFor(t);
    const given = {
      AWS_ACCESS_KEY_ID: server.accessKeyId,
      AWS_SECRET_ACCESS_KEY: server.secretAccessKey,
      ENDPOINT: server.url,
      ARCHIVE_ID: id,
    };
    const shell = Object.entries(given).map(([name, value]) => `${name}='${value}'`);
    const run = async (block: string): Promise<string> => {
      const quiet = block.replace('curl ', 'curl --silent --show-error --fail-with-body ');
      const script = ['set -e', `cd '${folder}'`, ...shell, quiet].join('\n');
      const { code, output, errors } = await runClient('/bin/sh', ['-c', script], server);
      assert.equal(code, 0, `${block}\n${output}${errors}`);
      return output;
    };
    const [list = '', describeIt = '', content = ''] = blocks.filter(
      (block) => !block.includes('--data-binary'),
    );
    assert.deepEqual(JSON.parse(await run(list)).ArchiveList, []);
    const smaller = list.replace('size-min=1000000', 'size-min=9');
    assert.equal(JSON.parse(await run(smaller)).ArchiveList[0].ArchiveId, id);
    assert.equal(JSON.parse(await run(describeIt)).Name, '2019/a.jpg');
    await run(content);
    assert.equal(await readFile(join(folder, 'a.jpg'), 'utf8'), 'the bytes');
  });

  it('gets the front page, which says what the server is', async () => {
    const { output } = await runClient(CURL ?? '', ['--silent', server.url], server);
    assert.match(output, /Moraine/);
  });
});
