import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, BlockList, connect, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { makeCertificate } from '../../test/support/certificate.ts';
import { Wire } from '../../test/support/wire.ts';
import {
  createServer,
  cutConnections,
  drainConnections,
  type ServerDeps,
  spreadConnections,
} from './server.ts';

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

describe('a connection that was open when others were to get the next ones', () => {
  it('ends with its next answer', async (t) => {
    const { server, open } = await answering(t);
    const early = await open();
    assert.equal(await connectionHeader(early), 'keep-alive');
    spreadConnections(server);
    assert.equal(await connectionHeader(early), 'close');
    await early.untilClosed();
    const late = await open();
    assert.equal(await connectionHeader(late), 'keep-alive');
  });

  it('ends with the answer to a request that waits for `100 Continue`', async (t) => {
    const { server, open } = await answering(t);
    const early = await open();
    spreadConnections(server);
    assert.equal(await connectionHeader(early, 'Expect: 100-continue\r\nContent-Length: 1\r\n'), 'close');
    await early.untilClosed();
  });
});

describe('a server that is drained', () => {
  it('answers on the connections that it has, and refuses others', async (t) => {
    const { server, open } = await answering(t);
    const wires = [await open(), await open()];
    await connectionHeader(wires[0] as Wire);
    const drained = drainConnections(server);
    await assert.rejects(open());
    for (const wire of wires) {
      assert.equal(await connectionHeader(wire), 'close');
      await wire.untilClosed();
    }
    await drained;
  });
});

/** A server that answers requests for its health. */
async function answering(t: TestContext) {
  const health = () => ({ status: 'ok' }) as const;
  const pipeline = { operationDeps: { ids: { requestId: () => 'id' } } } as ServerDeps['pipeline'];
  const connections = { all: 100, perAddress: 0, proxies: new BlockList() };
  const server = createServer({ pipeline, health, connections });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  t.after(() => {
    cutConnections(server);
    server.close();
  });
  const open = async () => {
    const wire = await Wire.open(`http://127.0.0.1:${port}`);
    t.after(() => wire.destroy());
    return wire;
  };
  return { server, open };
}

/** Asks for the server's health. @returns what the answer says about its connection. */
async function connectionHeader(wire: Wire, headers = ''): Promise<string | undefined> {
  wire.write(`GET /_moraine/health HTTP/1.1\r\nHost: h\r\n${headers}\r\n`);
  const { status, headers: answered } = await wire.answer();
  assert.equal(status, 200);
  return answered['connection'];
}
