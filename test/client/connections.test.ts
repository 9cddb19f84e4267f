/** How the client library connects: TLS with a certificate of its own, and through a proxy. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConnectionError, createClient } from '../../src/client/index.ts';
import { makeCertificate } from '../support/certificate.ts';
import { libraryClient } from '../support/library-client.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

describe('moraine/client', () => {
  it('trusts a certificate that it is given, and no other', async (t) => {
    const data = await folderFor(t);
    const { cert, key } = makeCertificate();
    const files = { cert: join(data, 'cert.pem'), key: join(data, 'key.pem') };
    await writeFile(files.cert, cert);
    await writeFile(files.key, key, { mode: 0o600 });
    const flags = ['--tls-cert', files.cert, '--tls-key', files.key];
    const server = await serverFor(t, { data: join(data, 'moraine'), flags });
    assert.match(server.url, /^https:/);
    const trusting = libraryClient(server, { ca: cert });
    assert.deepEqual((await trusting.listVaults()).vaultList, []);
    trusting.close();
    const strict = libraryClient(server, { retry: { attempts: 1 } });
    await assert.rejects(strict.listVaults(), (error) => {
      assert.ok(error instanceof ConnectionError);
      assert.match(error.message, /self-signed certificate/);
      assert.equal(error.unclear, false);
      return true;
    });
    strict.close();
  });

  it('goes through a proxy, except to the hosts that need none', async (t) => {
    const server = await serverFor(t, { data: await folderFor(t) });
    const seen: string[] = [];
    const proxy = createServer((incoming, outgoing) => {
      seen.push(`${incoming.method} ${incoming.url}`);
      const { method, headers } = incoming;
      const onward = request(incoming.url ?? '', { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 0, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    t.after(() => proxy.close());
    const HTTP_PROXY = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const through = libraryClient(server, { proxyEnv: { HTTP_PROXY } });
    await through.createVault({ vaultName: 'behind' });
    assert.deepEqual(seen, [`PUT ${server.url}/-/vaults/behind`]);
    through.close();
    const around = libraryClient(server, { proxyEnv: { HTTP_PROXY, NO_PROXY: '127.0.0.1' } });
    await around.listVaults();
    assert.equal(seen.length, 1);
    around.close();
  });

  it('refuses an endpoint that signatures cannot cover', () => {
    const make = (endpoint: string) => () =>
      createClient({ endpoint, region: 'r', credentials: { accessKeyId: 'a', secretAccessKey: 's' } });
    assert.throws(make('archive.example'), /^TypeError: endpoint must be a URL that begins with http/);
    assert.throws(make('http://archive.example/prefix'), /^TypeError: endpoint must have no path/);
  });
});
