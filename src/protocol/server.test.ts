import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, BlockList, connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { makeCertificate } from '../../test/support/certificate.ts';
import { createServer, cutConnections, type ServerDeps } from './server.ts';

/** A TLS server, and connections to it without TLS. */
async function silent(t: TestContext, count: number) {
  const health = () => ({ status: 'ok' }) as const;
  // No request arrives, so the server needs no pipeline.
  const deps = {} as ServerDeps['pipeline'];
  const connections = { all: 100, perAddress: 0, proxies: new BlockList() };
  const server = createServer({ pipeline: deps, health, connections, tls: makeCertificate() });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const clients: Socket[] = [];
  for (let i = 0; i < count; i++) {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    client.on('error', () => {});
    t.after(() => client.destroy());
    await Promise.all([once(client, 'connect'), once(server, 'connection')]);
    clients.push(client);
  }
  t.after(() => {
    cutConnections(server);
    server.close();
  });
  return { server, clients };
}

describe('a TLS server with connections that never start a handshake', () => {
  it('can be stopped', async (t) => {
    const { server, clients } = await silent(t, 3);
    const closed = once(server, 'close');
    server.close();
    cutConnections(server);
    await closed;
    assert.equal(clients.length, 3);
  });

  it('drops connections whose handshake failed', async (t) => {
    const { server, clients } = await silent(t, 1);
    clients[0]?.write('GET / HTTP/1.1\r\n\r\n');
    await once(server, 'tlsClientError');
    const closed = once(server, 'close');
    server.close();
    await closed;
  });
});
