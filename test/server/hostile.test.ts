import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { storeFiles, untilBlobsAdded } from '../support/store-files.ts';
import { headText, Wire } from '../support/wire.ts';

const ARCHIVES = '/-/vaults/v/archives';
const MALFORMED = 'The request is not well-formed HTTP/1.1';

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Opens a connection for one test. */
async function withWire(test: (wire: Wire) => Promise<void>): Promise<void> {
  const wire = await Wire.open(server.url);
  try {
    await test(wire);
  } finally {
    wire.destroy();
  }
}

const uploadHead = (body: Uint8Array | string, more: Record<string, string> = {}): string =>
  headText('POST', ARCHIVES, api.headersOf('POST', ARCHIVES, { headers: { ...hashHeaders(body), ...more } }));
const getHead = (target = '/-/vaults/v'): string => headText('GET', target, api.headersOf('GET', target));
const archives = async (): Promise<unknown> =>
  assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives'];

describe('an upload that disconnects', () => {
  const body = patternBytes(3 * MIB);

  /** Sends the head and the first bytes, waits until the server stores them, then disconnects. */
  async function breakOff(head: string, bytes: number, how: (wire: Wire) => void): Promise<void> {
    const [before, count] = [await storeFiles(server.data), await archives()];
    await withWire(async (wire) => {
      wire.write(head);
      wire.write(body.subarray(0, bytes));
      await eventually(
        'a file that is being written',
        async () => (await storeFiles(server.data)).incoming.length > 0,
      );
      how(wire);
      await untilBlobsAdded(server.data, before, 0);
    });
    assert.equal(await archives(), count);
  }

  for (const bytes of [0, 1, MIB, MIB + 1, 3 * MIB - 1]) {
    it(`after ${bytes} bytes leaves nothing behind, whether the connection is cut or ended`, async () => {
      await breakOff(uploadHead(body), bytes, (wire) => wire.destroy());
      await breakOff(uploadHead(body), bytes, (wire) => wire.socket.resetAndDestroy());
      await breakOff(uploadHead(body), bytes, (wire) => wire.socket.end());
    });
  }

  it('as a part leaves the earlier part in place', async () => {
    const id = await api.initiate('v', 4 * MIB);
    assertEmpty(await api.putPart('v', id, 0, Buffer.from('before')), 204);
    const target = `/-/vaults/v/multipart-uploads/${id}`;
    const parts = (await api.call('GET', target)).text;
    const headers = { ...hashHeaders(body), 'content-range': `bytes 0-${body.length - 1}/*` };
    const head = headText('PUT', target, api.headersOf('PUT', target, { headers }));
    await breakOff(head, 2 * MIB, (wire) => wire.destroy());
    assert.equal((await api.call('GET', target)).text, parts);
  });

  it('after a 100 Continue leaves nothing behind', async () => {
    await breakOff(uploadHead(body, { expect: '100-continue' }), 0, (wire) => wire.destroy());
  });

  it('leaves nothing behind when there are many at once', async () => {
    const before = await storeFiles(server.data);
    const wires = await Promise.all(Array.from({ length: 30 }, () => Wire.open(server.url)));
    for (const [i, wire] of wires.entries()) {
      wire.write(uploadHead(body));
      wire.write(body.subarray(0, i * 50_000));
    }
    await eventually(
      'files that are being written',
      async () => (await storeFiles(server.data)).incoming.length > 20,
    );
    for (const wire of wires) wire.destroy();
    await untilBlobsAdded(server.data, before, 0);
  });

  it('or whose vault is deleted meanwhile: it gets a 404 at its end and leaves nothing behind', async () => {
    await api.createVault('going');
    const target = '/-/vaults/going/archives';
    const before = await storeFiles(server.data);
    await withWire(async (wire) => {
      wire.write(headText('POST', target, api.headersOf('POST', target, { headers: hashHeaders(body) })));
      wire.write(body.subarray(0, MIB));
      await eventually(
        'a file that is being written',
        async () => (await storeFiles(server.data)).incoming.length > 0,
      );
      assertEmpty(await api.call('DELETE', '/-/vaults/going'), 204);
      wire.write(body.subarray(MIB));
      assertRefusal(await wire.answer(), 404, 'ResourceNotFoundException', /^Vault not found for ARN: /);
      await untilBlobsAdded(server.data, before, 0);
    });
  });

  it('or whose multipart upload is aborted meanwhile: the part gets a 404 at its end', async () => {
    const id = await api.initiate('v', 4 * MIB);
    const target = `/-/vaults/v/multipart-uploads/${id}`;
    const headers = { ...hashHeaders(body), 'content-range': `bytes 0-${body.length - 1}/*` };
    const before = await storeFiles(server.data);
    await withWire(async (wire) => {
      wire.write(headText('PUT', target, api.headersOf('PUT', target, { headers })));
      wire.write(body.subarray(0, MIB));
      await eventually(
        'a file that is being written',
        async () => (await storeFiles(server.data)).incoming.length > 0,
      );
      assertEmpty(await api.call('DELETE', target), 204);
      wire.write(body.subarray(MIB));
      assertRefusal(
        await wire.answer(),
        404,
        'ResourceNotFoundException',
        `The upload ID was not found: ${id}`,
      );
      await untilBlobsAdded(server.data, before, 0);
    });
  });
});

describe('a body longer than declared', () => {
  it('is accepted up to its declared length; then the connection ends', async () => {
    const count = Number(await archives());
    await withWire(async (wire) => {
      wire.write(uploadHead('Hello'));
      wire.write('Hello World! and so on, no request at all\r\n\r\n');
      assert.equal((await wire.answer()).status, 201);
      await wire.untilClosed();
      assert.equal(wire.received, '');
    });
    assert.equal(await archives(), count + 1);
  });
});

describe('pipelined requests', () => {
  it('are answered in order', async () => {
    await withWire(async (wire) => {
      wire.write(getHead('/-/vaults/v') + getHead('/-/vaults/none') + uploadHead('x'));
      wire.write(`x${getHead('/-/vaults?limit=1')}`);
      for (const status of [200, 404, 201, 200]) assert.equal((await wire.answer()).status, status);
    });
  });

  it('are answered up to the first invalid one', async () => {
    await withWire(async (wire) => {
      wire.write(`${getHead()}${getHead('/-/vaults/none')}garbage\r\n\r\n`);
      for (const status of [200, 404]) assert.equal((await wire.answer()).status, status);
      await wire.untilClosed();
      assert.equal(wire.received, '');
    });
  });

  it('get no error in the middle of the answer to an earlier one', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const chunked = api.headersOf('POST', target, { headers: { 'transfer-encoding': 'chunked' } });
    await withWire(async (wire) => {
      wire.write(`${getHead().repeat(3)}${headText('POST', target, chunked)}zz\r\n`);
      await wire.untilClosed();
      assert.doesNotMatch(wire.received, /HTTP\/1\.1 400/);
    });
  });

  it('are not confused with the body of a request that was refused before the body arrived', async () => {
    await withWire(async (wire) => {
      const refused = { headers: { ...hashHeaders('x'.repeat(1000)), 'x-amz-sha256-tree-hash': '000' } };
      wire.write(headText('POST', ARCHIVES, api.headersOf('POST', ARCHIVES, refused)));
      wire.write('x'.repeat(1000) + getHead());
      assert.equal((await wire.answer()).status, 400);
      assertJson(await wire.answer());
    });
  });
});

describe('bytes that are not an HTTP/1.1 request', () => {
  const garbage: Record<string, string | Uint8Array> = {
    'random bytes': patternBytes(4000, 77_777),
    'a TLS handshake': Buffer.from('16030100c8010000c40303', 'hex'),
    'an HTTP/2 preface': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'another protocol': 'SSH-2.0-OpenSSH_9.2\r\n',
    'an unknown version': 'GET / HTTP/9.9\r\n\r\n',
    'a target with a space': 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n',
    'a header without a colon': 'GET / HTTP/1.1\r\nHost x\r\n\r\n',
    'a space before a colon': 'GET / HTTP/1.1\r\nHost : x\r\n\r\n',
    'a NUL in a header': 'GET / HTTP/1.1\r\nHost: x\0\r\n\r\n',
    'a control character in a target': 'GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n',
    'two lengths': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx',
    'a length and chunks':
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'an unknown coding': 'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, x\r\n\r\n',
    'an unknown method': 'FETCH / HTTP/1.1\r\nHost: x\r\n\r\n',
  };

  for (const [name, bytes] of Object.entries(garbage)) {
    it(`get an error in the API's form, and the connection ends: ${name}`, async () => {
      await withWire(async (wire) => {
        wire.write(bytes);
        assertRefusal(await wire.answer(), 400, 'BadRequest', MALFORMED);
        await wire.untilClosed();
      });
    });
  }

  it('get a refusal as chunks of an expected body', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    await withWire(async (wire) => {
      const headers = api.headersOf('POST', target, { headers: { 'transfer-encoding': 'chunked' } });
      wire.write(`${headText('POST', target, headers)}zz\r\n`);
      assertRefusal(await wire.answer(), 400, 'BadRequest', MALFORMED);
      await wire.untilClosed();
    });
  });

  for (const connection of ['keep-alive', 'close']) {
    it(`get no second answer as chunks after a refusal, with Connection: ${connection}`, async () => {
      await withWire(async (wire) => {
        const headers = { host: 'x', connection, 'transfer-encoding': 'chunked' };
        wire.write(`${headText('POST', '/-/vaults/v/jobs', headers)}2\r\nxx\r\n`);
        assert.equal((await wire.answer()).status, 400);
        wire.write('zz\r\n');
        await wire.untilClosed();
        assert.equal(wire.received, '');
      });
    });
  }

  it('get no tunnel for CONNECT', async () => {
    await withWire(async (wire) => {
      wire.write('CONNECT localhost:80 HTTP/1.1\r\nHost: localhost:80\r\n\r\n');
      await wire.untilClosed();
      assert.doesNotMatch(wire.received, /^HTTP\/1\.1 2/);
    });
  });
});

describe('an unusual request', () => {
  it('is answered when the client half-closes the connection after it', async () => {
    await withWire(async (wire) => {
      wire.socket.end(getHead());
      assertJson(await wire.answer());
      await wire.untilClosed();
    });
    const body = patternBytes(MIB);
    const count = Number(await archives());
    await withWire(async (wire) => {
      wire.write(uploadHead(body));
      wire.socket.end(body);
      assert.equal((await wire.answer()).status, 201);
    });
    assert.equal(await archives(), count + 1);
  });

  it('gets the reason of a refusal on a closing connection, even while the client sends a large body', async () => {
    const body = patternBytes(16 * MIB);
    for (let i = 0; i < 5; i++) {
      await withWire(async (wire) => {
        wire.write(uploadHead(body, { connection: 'close', 'x-amz-sha256-tree-hash': '000' }));
        // Many clients read only after they have sent everything.
        wire.socket.pause();
        await new Promise((sent) => wire.socket.write(body, sent));
        wire.socket.resume();
        assert.equal((await wire.answer()).status, 400);
        await wire.untilClosed();
      });
    }
  });

  it('is answered when it is a HEAD of the health page', async () => {
    await withWire(async (wire) => {
      wire.write('HEAD /_moraine/health HTTP/1.1\r\nHost: x\r\n\r\n');
      await wire.until(/^HTTP\/1\.1 200 OK\r\n.*\r\n\r\n$/s);
    });
  });

  it('is answered over HTTP/1.0, and the connection ends', async () => {
    await withWire(async (wire) => {
      wire.write(getHead().replace('HTTP/1.1', 'HTTP/1.0'));
      assertJson(await wire.answer());
      await wire.untilClosed();
    });
  });

  it('needs a Host over HTTP/1.0 only where it is signed', async () => {
    await withWire(async (wire) => {
      wire.write(
        getHead()
          .replace('HTTP/1.1', 'HTTP/1.0')
          .replace(/\r\nhost: [^\r]*/, ''),
      );
      assertRefusal(await wire.answer(), 403, 'InvalidSignatureException', /host/);
    });
    await withWire(async (wire) => {
      wire.write('GET /_moraine/health HTTP/1.0\r\n\r\n');
      assert.equal((await wire.answer()).status, 200);
    });
  });

  it('is refused over HTTP/0.9, which has no Host header', async () => {
    await withWire(async (wire) => {
      wire.write('GET /\r\n\r\n');
      assertRefusal(await wire.answer(), 400, 'BadRequest', 'The request has no Host header');
      await wire.untilClosed();
    });
  });

  it("gets an error in the API's form over HTTP/1.1 without a Host", async () => {
    await withWire(async (wire) => {
      wire.write(getHead().replace(/\r\nhost: [^\r]*/, ''));
      assertRefusal(await wire.answer(), 400, 'BadRequest', 'The request has no Host header');
    });
  });

  it('is refused when a repeated header makes the signature ambiguous', async () => {
    for (const name of ['host', 'x-amz-date', 'authorization']) {
      await withWire(async (wire) => {
        const head = getHead();
        const line = new RegExp(`\\r\\n${name}: [^\\r]*`).exec(head)?.[0] ?? '';
        wire.write(head.replace(line, line + line));
        assertRefusal(
          await wire.answer(),
          403,
          'InvalidSignatureException',
          `The header '${name}' must be sent once.`,
        );
      });
    }
  });

  it('is no operation when its target is a star or an authority', async () => {
    for (const target of ['*', 'localhost:80']) {
      await withWire(async (wire) => {
        wire.write(headText(target === '*' ? 'OPTIONS' : 'GET', target, api.headersOf('GET', target)));
        const { status } = await wire.answer();
        assert.ok(status === 404 || status === 400, `${target}: ${status}`);
      });
    }
  });

  it('is answered like any other when it offers an Upgrade', async () => {
    const headers = {
      connection: 'upgrade, http2-settings',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABkAAQAAP__',
    };
    await withWire(async (wire) => {
      wire.write(headText('GET', '/-/vaults/v', api.headersOf('GET', '/-/vaults/v', { headers })));
      assertJson(await wire.answer());
    });
  });

  it('is answered when its head arrives byte by byte after empty lines', async () => {
    await withWire(async (wire) => {
      wire.write('\r\n\r\n');
      for (const char of getHead()) wire.write(char);
      assertJson(await wire.answer());
    });
  });

  it('is accepted with a JSON body in chunks', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const body = '{"Tags":{"a":"b"}}';
    await withWire(async (wire) => {
      const headers = api.headersOf('POST', target, { body, headers: { 'transfer-encoding': 'chunked' } });
      wire.write(headText('POST', target, headers));
      for (const char of body) wire.write(`1\r\n${char}\r\n`);
      wire.write('0\r\n\r\n');
      assert.equal((await wire.answer()).status, 204);
    });
  });

  it('is answered with an unexpected body, which is ignored', async () => {
    for (const method of ['GET', 'DELETE']) {
      const target = method === 'GET' ? '/-/vaults/v' : '/-/vaults/none';
      const answer = await api.call(method, target, { body: 'a body', headers: { 'content-length': '6' } });
      assert.ok(answer.status < 300, answer.text);
    }
  });

  it('does not reach another vault by an escaped slash in its path', async () => {
    for (const target of ['/-/vaults%2Fv', '/-%2F/vaults/v', '/-/vaults/%2Fv', '/-/vaults/v%2F']) {
      assert.ok([400, 404].includes((await api.call('GET', target)).status), target);
    }
  });
});

describe('hundreds of silent connections', () => {
  it('do not delay other clients', async () => {
    const wires = await Promise.all(Array.from({ length: 300 }, () => Wire.open(server.url)));
    for (const [i, wire] of wires.entries()) if (i % 2 === 0) wire.write('GET / HT');
    assertJson(await api.call('GET', '/-/vaults/v'));
    for (const wire of wires) wire.destroy();
  });
});

describe('the server after all of these requests', () => {
  it('is healthy, and has logged no error', async () => {
    const health = await api.call('GET', '/_moraine/health');
    assert.equal(health.status, 200);
    assert.deepEqual((await storeFiles(server.data)).incoming, []);
    assert.doesNotMatch(server.errors(), /"level":(?:50|60)/);
  });
});
