import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal, type CallOptions } from '../support/api.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { hashHeaders } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { sha256Hex } from '../support/signer.ts';
import { storeFiles } from '../support/store-files.ts';
import { headText, Wire } from '../support/wire.ts';

const INVALID = 'InvalidParameterValueException';
const CONTINUE = /^HTTP\/1\.1 100 Continue\r\n\r\n/;
const FOUR_GIB = String(4096 * MIB);
const ARCHIVES = '/-/vaults/v/archives';

let server: TestServer;
let api: Api;
let uploadId: string;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
  uploadId = await api.initiate('v', MIB);
});
after(() => server.stop());

/** Sends the head of a request that expects 100 Continue before its body. */
async function ask(method: string, target: string, options: CallOptions): Promise<Wire> {
  const wire = await Wire.open(server.url);
  const headers = { ...options.headers, expect: '100-continue' };
  wire.write(headText(method, target, api.headersOf(method, target, { ...options, headers })));
  return wire;
}

/** Faults of a 4 GiB upload; the server must refuse each without asking for the body. */
interface Refused {
  readonly name: string;
  readonly target?: string;
  readonly method?: string;
  readonly options?: CallOptions;
  readonly answer: readonly [status: number, code: string, message: string | RegExp];
}

const header = (name: string, value: string | undefined): CallOptions => ({ headers: { [name]: value } });
const missing = (name: string) =>
  [400, 'MissingParameterValueException', `Required parameter missing: ${name}`] as const;
const signature = (message: RegExp) => [403, 'InvalidSignatureException', message] as const;
const unknownKey = [400, 'UnrecognizedClientException', /./] as const;

const ARCHIVE: readonly Refused[] = [
  { name: 'no signature', options: { unsigned: { authorization: 'x' } }, answer: signature(/./) },
  {
    name: 'an old signature',
    options: { signer: { at: new Date(Date.now() - 3_600_000) } },
    answer: signature(/^Signature expired/),
  },
  {
    name: 'a wrong secret',
    options: { signer: { secretAccessKey: 'x' } },
    answer: signature(/does not match/),
  },
  {
    name: 'an unknown key',
    options: { signer: { accessKeyId: 'AKIAUNKNOWNUNKNOWN00' } },
    answer: unknownKey,
  },
  { name: 'a session token', options: header('x-amz-security-token', 'x'), answer: unknownKey },
  {
    name: 'an invalid account',
    target: '/x/vaults/v/archives',
    answer: [400, 'UnrecognizedClientException', 'No account found for the given parameters'],
  },
  {
    name: 'the account of another owner',
    target: '/999999999999/vaults/v/archives',
    answer: [403, 'AccessDeniedException', /is not authorized to perform: glacier:UploadArchive/],
  },
  {
    name: 'no API version',
    options: header('x-amz-glacier-version', undefined),
    answer: missing('API version'),
  },
  {
    name: 'a missing vault',
    target: '/-/vaults/none/archives',
    answer: [404, 'ResourceNotFoundException', /^Vault not found for ARN/],
  },
  {
    name: 'an unknown path',
    target: '/-/vaults/v/none',
    answer: [404, 'UnknownOperationException', /./],
  },
  {
    name: 'no payload hash',
    options: header('x-amz-content-sha256', undefined),
    answer: missing('x-amz-content-sha256'),
  },
  {
    name: 'no tree hash',
    options: header('x-amz-sha256-tree-hash', undefined),
    answer: missing('x-amz-sha256-tree-hash'),
  },
  {
    name: 'an invalid tree hash',
    options: header('x-amz-sha256-tree-hash', '000'),
    answer: [400, INVALID, 'Invalid x-amz-sha256-tree-hash: 000'],
  },
  {
    name: 'a length beyond 4 GiB',
    options: header('content-length', '4294967297'),
    answer: [
      400,
      INVALID,
      /^Invalid Content-Length: 4294967297\. One request carries at most 4294967296 bytes/,
    ],
  },
  {
    name: 'a description that is too long',
    options: header('x-amz-archive-description', 'd'.repeat(1025)),
    answer: [400, INVALID, /^Invalid x-amz-archive-description/],
  },
];

const PART: readonly Refused[] = [
  { name: 'no range', options: header('content-range', undefined), answer: missing('content-range') },
  {
    name: 'an invalid range',
    options: header('content-range', 'bytes=0-5/*'),
    answer: [400, INVALID, 'Invalid Content-Range: bytes=0-5/*'],
  },
  {
    name: 'a range of another length',
    options: header('content-range', 'bytes 0-5/*'),
    answer: [400, INVALID, `Content-Range: bytes 0-5/* is incompatible with Content-Length: ${FOUR_GIB}`],
  },
  {
    name: 'a range longer than a part',
    options: header('content-range', 'bytes 0-4294967295/*'),
    answer: [400, INVALID, /^Invalid Content-Range: bytes 0-4294967295\/\*/],
  },
  {
    name: 'an unknown upload',
    target: '/-/vaults/v/multipart-uploads/none',
    answer: [404, 'ResourceNotFoundException', 'The upload ID was not found: none'],
  },
];

async function assertRefusedUnread(
  request: Refused,
  method: string,
  target: string,
  good: CallOptions['headers'],
): Promise<void> {
  const { options = {}, answer } = request;
  const headers = { ...good, ...options.headers };
  const wire = await ask(request.method ?? method, request.target ?? target, { ...options, headers });
  // The first answer must be the refusal, not a 100 Continue.
  const refusal = await wire.answer();
  assertRefusal(refusal, ...answer);
  assert.equal(refusal.headers['connection'], 'close');
  await wire.untilClosed();
  assert.equal(wire.received, '');
}

describe('an archive of 4 GiB with', () => {
  for (const request of ARCHIVE) {
    it(`${request.name} is refused before its body`, async () => {
      const good = { ...hashHeaders('x'), 'content-length': FOUR_GIB };
      await assertRefusedUnread(request, 'POST', ARCHIVES, good);
    });
  }
});

describe('a part of 4 GiB with', () => {
  for (const request of PART) {
    it(`${request.name} is refused before its body`, async () => {
      const good = {
        ...hashHeaders('x'),
        'content-length': FOUR_GIB,
        'content-range': `bytes 0-4294967295/*`,
      };
      await assertRefusedUnread(request, 'PUT', `/-/vaults/v/multipart-uploads/${uploadId}`, good);
    });
  }
});

describe('bodies that get no 100 Continue', () => {
  it('include those without a length, and empty ones', async () => {
    const chunked = { ...hashHeaders('x'), 'content-length': undefined, 'transfer-encoding': 'chunked' };
    const answer = [
      411,
      'MissingParameterValueException',
      'Required parameter missing: Content-Length',
    ] as const;
    await assertRefusedUnread({ name: '', answer }, 'POST', ARCHIVES, chunked);
    const empty = [400, INVALID, /^Invalid Content-Length: 0\. The request has no body/] as const;
    await assertRefusedUnread({ name: '', answer: empty }, 'POST', ARCHIVES, hashHeaders(''));
  });

  it('include JSON bodies beyond 1 MiB, and those signed with unknown keys or wrong secrets', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const long = [400, 'BadRequest', 'The request body is longer than 1048576 bytes'] as const;
    for (const hash of [undefined, sha256Hex('')]) {
      const headers = { 'content-length': '1048577', 'x-amz-content-sha256': hash };
      await assertRefusedUnread({ name: '', answer: long }, 'POST', target, headers);
    }
    const options = { signer: { accessKeyId: 'AKIAUNKNOWNUNKNOWN00' } };
    await assertRefusedUnread({ name: '', options, answer: unknownKey }, 'POST', target, {
      'content-length': '20',
    });
    const claimed = { 'content-length': '20', 'x-amz-content-sha256': sha256Hex('') };
    const wrong = { signer: { secretAccessKey: 'x' } };
    await assertRefusedUnread({ name: '', options: wrong, answer: signature(/./) }, 'POST', target, claimed);
  });

  it('leave no file behind', async () => {
    assert.deepEqual((await storeFiles(server.data)).incoming, []);
  });
});

describe('a valid body', () => {
  it('gets a 100 Continue, is accepted, and leaves the connection open', async () => {
    const body = patternBytes(2 * MIB + 1);
    const wire = await ask('POST', ARCHIVES, { headers: hashHeaders(body) });
    for (let i = 0; i < 2; i++) {
      await wire.until(CONTINUE);
      wire.received = '';
      wire.write(body);
      const answer = await wire.answer();
      assert.equal(answer.status, 201);
      assert.notEqual(answer.headers['connection'], 'close');
      const headers = { ...hashHeaders(body), expect: '100-continue' };
      wire.write(headText('POST', ARCHIVES, api.headersOf('POST', ARCHIVES, { headers })));
    }
    wire.destroy();
  });

  it('is accepted from a client that does not wait', async () => {
    const body = 'Hello World!';
    const wire = await ask('POST', ARCHIVES, { headers: hashHeaders(body) });
    wire.write(body);
    await wire.until(CONTINUE);
    wire.received = wire.received.replace(CONTINUE, '');
    assert.equal((await wire.answer()).status, 201);
    wire.destroy();
  });

  it('may be JSON, with or without a payload hash', async () => {
    const target = '/-/vaults/v/tags?operation=add';
    const body = '{"Tags":{"a":"b"}}';
    for (const hash of [undefined, sha256Hex(body)]) {
      const headers = { 'content-length': String(body.length), 'x-amz-content-sha256': hash };
      const wire = await ask('POST', target, { headers, body });
      await wire.until(CONTINUE);
      wire.received = '';
      wire.write(body);
      assert.equal((await wire.answer()).status, 204);
      wire.destroy();
    }
  });

  it('ends the connection if the client sent Connection: close', async () => {
    const body = 'Hello World!';
    const wire = await ask('POST', ARCHIVES, { headers: { ...hashHeaders(body), connection: 'close' } });
    await wire.until(CONTINUE);
    wire.received = '';
    wire.write(body);
    assert.equal((await wire.answer()).headers['connection'], 'close');
    await wire.untilClosed();
  });

  it('gets only one 100 Continue, and a refusal when its hash turns out wrong', async () => {
    const body = 'Hello World!';
    const headers = { ...hashHeaders(body), 'x-amz-sha256-tree-hash': 'ab'.repeat(32) };
    const wire = await ask('POST', ARCHIVES, { headers });
    await wire.until(CONTINUE);
    wire.received = '';
    wire.write(body);
    assertRefusal(await wire.answer(), 400, INVALID, /^Checksum mismatch/);
    wire.destroy();
  });
});

describe('an unknown expectation', () => {
  it('is ignored', async () => {
    const wire = await Wire.open(server.url);
    wire.write(
      headText('GET', '/-/vaults/v', api.headersOf('GET', '/-/vaults/v', { headers: { expect: 'miracle' } })),
    );
    assert.equal((await wire.answer()).status, 200);
    wire.destroy();
  });
});
