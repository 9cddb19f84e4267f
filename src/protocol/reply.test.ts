import assert from 'node:assert/strict';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { makeCertificate } from '../../test/support/certificate.ts';
import { eventually } from '../../test/support/poll.ts';
import { sendReply } from './reply.ts';
import { ClientGone } from './small-body.ts';

const IDLE_MS = 400;
/** A timeout that the client does not reach even on a busy machine. */
const PATIENT_MS = 4000;
const REST_MS = 200;
const MIB = 1024 * 1024;
/** More than the kernel buffers for the client, and more than the client reads within the timeout. */
const CHUNK_BYTES = 16 * MIB;
const CHUNKS = 2;
const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
const LAST_REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** The state of a download of some chunks. */
interface Download {
  given: number;
  ended: boolean;
}

async function* chunksOf(download: Download): AsyncGenerator<Uint8Array> {
  try {
    for (; download.given < CHUNKS; download.given++) yield Buffer.alloc(CHUNK_BYTES);
  } finally {
    download.ended = true;
  }
}

/** Reads about a MiB, or less if the connection ends. @returns the number of bytes read. */
function readSome(client: Socket): Promise<number> {
  return new Promise((resolve) => {
    let bytes = 0;
    const done = (): void => {
      client.pause().off('data', take).off('close', done);
      resolve(bytes);
    };
    const take = (chunk: Uint8Array): void => {
      bytes += chunk.length;
      if (bytes >= MIB) done();
    };
    if (client.destroyed) done();
    else client.on('data', take).once('close', done).resume();
  });
}

/** A server that replies with downloads, and a connected client that reads only when the test does. */
async function connected(
  t: TestContext,
  over: 'http' | 'https',
  idleMs = IDLE_MS,
): Promise<[Socket, readonly Download[]]> {
  const downloads: Download[] = [];
  const answer: RequestListener = async (_, response) => {
    const download = { given: 0, ended: false };
    downloads.push(download);
    const headers = { 'Content-Length': String(CHUNKS * CHUNK_BYTES) };
    await sendReply(response, 'id', { status: 200, headers, stream: chunksOf(download) }, idleMs);
  };
  const server: Server =
    over === 'http' ? createServer(answer) : createHttpsServer({ ...makeCertificate() }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const client =
    over === 'http' ? connect(port, '127.0.0.1') : connectTls({ port, rejectUnauthorized: false });
  client.on('error', () => {});
  t.after(() => {
    client.destroy();
    server.close();
  });
  client.pause();
  return [client, downloads];
}

for (const over of ['http', 'https'] as const) {
  describe(`a download over ${over}`, () => {
    it('is not cut while the client reads from time to time', async (t) => {
      const [client] = await connected(t, over, PATIENT_MS);
      client.write(LAST_REQUEST);
      const begun = performance.now();
      let received = 0;
      for (let pauses = 0; received < CHUNKS * CHUNK_BYTES; pauses++) {
        await pause(REST_MS);
        const bytes = await readSome(client);
        assert.ok(bytes > 0, `cut after ${received} bytes and ${pauses} pauses`);
        received += bytes;
      }
      assert.ok(performance.now() - begun > PATIENT_MS, 'the download ended before it could be cut');
    });

    it('ends when the client stops reading', async (t) => {
      const [client, downloads] = await connected(t, over);
      client.write(REQUEST);
      await eventually('the end of the download', () => downloads[0]?.ended);
      assert.ok((downloads[0]?.given ?? CHUNKS) < CHUNKS, 'the kernel buffered all of it');
    });

    it('ends with the connection while it waits for an earlier one', async (t) => {
      const [client, downloads] = await connected(t, over);
      client.write(REQUEST.repeat(3));
      await eventually('three downloads', () => downloads.length === 3);
      client.destroy();
      await eventually('the end of all downloads', () => downloads.every(({ ended }) => ended));
    });
  });
}

describe('a download whose chunks end with ClientGone', () => {
  it('is cut although its client is connected', async (t) => {
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('some');
      throw new ClientGone();
    }
    const server = createServer((_, response) =>
      sendReply(response, 'id', { status: 200, headers: { 'Content-Length': '9' }, stream: broken() }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    t.after(() => {
      client.destroy();
      server.close();
    });
    client.on('error', () => {}).resume();
    client.write(REQUEST);
    await eventually('the end of the connection', () => client.destroyed);
  });
});
