import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../support/api.ts';
import { type Answer, hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { headText, Wire } from '../support/wire.ts';

const KIB = 1024;
const GIB = KIB ** 3;

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Sends a head without a body; returns the answer. */
async function answerTo(head: string): Promise<Answer> {
  const wire = await Wire.open(server.url);
  wire.write(head);
  try {
    return await wire.answer();
  } finally {
    wire.destroy();
  }
}

/** Size of the headers as the server counts it: all lines but the first and the last. */
function headerBytes(head: string): number {
  return head.indexOf('\r\n\r\n') - head.indexOf('\r\n');
}

describe('the headers of a request', () => {
  const filled = (bytes: number): string => {
    const head = (length: number) =>
      headText(
        'GET',
        '/-/vaults/v',
        api.headersOf('GET', '/-/vaults/v', {
          headers: { 'x-filler': 'x'.repeat(length) },
        }),
      );
    return head(1000 + bytes - headerBytes(head(1000)));
  };

  it('may have 16 KiB in total', async () => {
    const head = filled(16 * KIB);
    assert.equal(headerBytes(head), 16 * KIB);
    assertJson(await answerTo(head));
  });

  it('are refused with a 431 beyond that', async () => {
    const message = "The request's headers are longer than 16384 bytes together";
    assertRefusal(await answerTo(filled(16 * KIB + 1)), 431, 'BadRequest', message);
    const parser = "The request's head is longer than 65536 bytes";
    assertRefusal(await answerTo(filled(80 * KIB)), 431, 'BadRequest', parser);
  });

  it('may be numerous, and all signed', async () => {
    const headers = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`x-h${i}`, `${i}`]));
    assertJson(await api.call('GET', '/-/vaults/v', { headers }));
  });

  it('may have 16 KiB in addition to a path and query of 8 KiB', async () => {
    const target = `/-/vaults/v?${'x'.repeat(8192 - '/-/vaults/v?'.length)}`;
    const headers = { 'x-filler': 'x'.repeat(15 * KIB) };
    assertJson(await api.call('GET', target, { headers }));
  });
});

describe('the path and query of a request', () => {
  it('may have 8 KiB in total', async () => {
    const target = `/-/vaults/v?${'x'.repeat(8192 - '/-/vaults/v?'.length)}`;
    assertJson(await api.call('GET', target));
    const path = `/-/vaults/${'v'.repeat(8192 - '/-/vaults/'.length)}`;
    assertRefusal(
      await api.call('GET', path),
      404,
      'ResourceNotFoundException',
      /^Vault not found for ARN: v+$/,
    );
  });

  it('are refused beyond that', async () => {
    const message = 'The path and query are longer than 8192 bytes';
    for (const length of [8193, 12_000, 40_000]) {
      const target = `/-/vaults/v?`.padEnd(length, 'x');
      assertRefusal(await api.call('GET', target), 400, 'BadRequest', message);
    }
  });

  it('are refused when undecodable', async () => {
    for (const odd of [
      '/%',
      '/-/vaults/%zz',
      '/-/vaults/%C3',
      '/-/vaults?limit=%ff',
      '/-/vaults?%=',
      '/%ED%A0%80/x',
    ]) {
      assertRefusal(await api.call('GET', odd), 400, 'BadRequest', /^The path or query cannot be decoded: /);
    }
  });

  it('may contain names of built-in object members, which have no effect', async () => {
    for (const target of [
      '/-/vaults?__proto__=1&constructor=2',
      '/-/vaults?toString',
      '/-/vaults?limit=1&__proto__[limit]=0',
    ]) {
      assertJson(await api.call('GET', target));
    }
    assertRefusal(
      await api.call('GET', '/__proto__/vaults'),
      400,
      'UnrecognizedClientException',
      'No account found for the given parameters',
    );
    assertRefusal(
      await api.call('GET', '/-/vaults/__proto__'),
      404,
      'ResourceNotFoundException',
      /__proto__$/,
    );
    assertRefusal(
      await api.call('GET', '/-/vaults/v/multipart-uploads/__proto__'),
      404,
      'ResourceNotFoundException',
      /./,
    );
  });

  it('may contain NUL bytes, which match no name', async () => {
    const uploads = '/-/vaults/v/multipart-uploads/%00';
    assertRefusal(
      await api.call('GET', uploads),
      404,
      'ResourceNotFoundException',
      'The upload ID was not found: \0',
    );
    assertRefusal(await api.call('DELETE', uploads), 404, 'ResourceNotFoundException', /not found/);
    const archive = await api.call('DELETE', '/-/vaults/v/archives/a%00');
    assertRefusal(archive, 404, 'ResourceNotFoundException', 'The archive ID was not found: a\0');
    assertRefusal(await api.call('GET', '/%00/vaults'), 400, 'UnrecognizedClientException', /./);
    assertJson(await api.call('GET', '/-/vaults?%00=%00'));
  });
});

describe('the length of an upload', () => {
  /** The head of an upload that declares this length and expects 100 Continue. */
  const head = (length: string): string => {
    const headers = { ...hashHeaders('x'), 'content-length': length, expect: '100-continue' };
    const target = '/-/vaults/v/archives';
    return headText('POST', target, api.headersOf('POST', target, { headers }));
  };

  it('is refused beyond 4 GiB before the first byte of the body', async () => {
    for (const length of [4 * GIB + 1, 38_505_164_800, Number.MAX_SAFE_INTEGER]) {
      const answer = await answerTo(head(String(length)));
      const text = new RegExp(`^Invalid Content-Length: ${length}(?:$|\\. One request carries at most)`);
      assertRefusal(answer, 400, 'InvalidParameterValueException', text);
    }
    const huge = await answerTo(head('9999999999999999999'));
    assertRefusal(huge, 400, 'InvalidParameterValueException', 'Invalid Content-Length: 9999999999999999999');
  });

  it('is accepted up to 4 GiB', async () => {
    const wire = await Wire.open(server.url);
    wire.write(head(String(4 * GIB)));
    await wire.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    wire.destroy();
  });

  it('is refused by the HTTP parser when it is not a number', async () => {
    for (const length of ['x', '-1', '1.5', '0x10', '99999999999999999999999']) {
      assertRefusal(
        await answerTo(head(length)),
        400,
        'BadRequest',
        'The request is not well-formed HTTP/1.1',
      );
    }
  });
});

describe('many concurrent small requests', () => {
  it('each get their own answer', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `many-${i}`);
    const answers = await Promise.all(names.map((name) => api.call('PUT', `/-/vaults/${name}`)));
    for (const [i, answer] of answers.entries()) {
      assertEmpty(answer, 201);
      assert.equal(answer.headers['location'], `/${server.accountId}/vaults/many-${i}`);
    }
    assert.equal(new Set(answers.map((answer) => answer.headers['x-amzn-requestid'])).size, 100);
  });
});
