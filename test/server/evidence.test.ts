/** The evidence that the server gives about a wrong signature, in the answer and in the log. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertRefusal } from '../support/api.ts';
import { eventually } from '../support/poll.ts';
import { hashHeaders, sendRaw } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { amzDate, presignTarget, sha256Hex, signHeaders } from '../support/signer.ts';

const INVALID = 'InvalidSignatureException';
const SENTENCE =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.';
const VERSION = { 'x-amz-glacier-version': '2012-06-01' };

let server: TestServer;
let api: Api;
before(async () => {
  server = await startServer();
  api = apiOf(server);
  await api.createVault('v');
});
after(() => server.stop());

const signer = (at: Date, secretAccessKey = 'another') => ({
  accessKeyId: server.accessKeyId,
  secretAccessKey,
  region: 'us-east-1',
  at,
});

function textOf(canonical: readonly string[], at: Date): string {
  const request = canonical.join('\n');
  const toSign = [
    'AWS4-HMAC-SHA256',
    amzDate(at),
    `${amzDate(at).slice(0, 8)}/us-east-1/glacier/aws4_request`,
    sha256Hex(request),
  ];
  return `${SENTENCE}\n\nThe Canonical String for this request should have been\n'${request}'\n\nThe String-to-Sign should have been\n'${toSign.join('\n')}'`;
}

describe('a wrong signature', () => {
  it('in the header gets the texts that should have been signed', async () => {
    const at = new Date();
    const { host } = new URL(server.url);
    const headers = signHeaders(
      {
        method: 'GET',
        target: '/-/vaults?limit=2&a=b',
        headers: { ...VERSION, host },
        payloadHash: sha256Hex(''),
      },
      signer(at),
    );
    const answer = await sendRaw(server.url, { method: 'GET', target: '//-/vaults?limit=2&a=b', headers });
    const canonical = [
      'GET',
      '/-/vaults',
      'a=b&limit=2',
      `host:${host}`,
      `x-amz-date:${amzDate(at)}`,
      'x-amz-glacier-version:2012-06-01',
      '',
      'host;x-amz-date;x-amz-glacier-version',
      sha256Hex(''),
    ];
    assertRefusal(answer, 403, INVALID, textOf(canonical, at));
  });

  it('in the query gets the same, without the signature and the session token', async () => {
    const at = new Date();
    const { host } = new URL(server.url);
    const request = { method: 'GET', target: '/-/vaults', headers: { host }, payloadHash: sha256Hex('') };
    const more = { 'X-Amz-Security-Token': 'THE/SESSION+TOKEN' };
    const target = presignTarget(request, signer(at), { more });
    const answer = await sendRaw(server.url, { method: 'GET', target, headers: { host, ...VERSION } });
    assertRefusal(answer, 403, INVALID, /\nThe String-to-Sign should have been\n/);
    const text = String(answer.json()['message']);
    assert.ok(text.includes('X-Amz-Security-Token=[17 characters]&X-Amz-SignedHeaders=host\n'), text);
    assert.doesNotMatch(text, /SESSION|X-Amz-Signature/);
  });

  it('never gets a signature or a key in the answer', async () => {
    const headers = { 'x-amz-security-token': 'THE/SESSION+TOKEN', cookie: 'THE COOKIE' };
    const sent = api.headersOf('GET', '/-/vaults/v', { headers });
    const right = /Signature=([0-9a-f]{64})/.exec(sent['authorization'] ?? '')?.[1] ?? '';
    const wrong = right.replace(/./g, (digit) => (digit === '0' ? '1' : '0'));
    const authorization = (sent['authorization'] ?? '').replace(right, wrong);
    const answer = await sendRaw(server.url, {
      method: 'GET',
      target: '/-/vaults/v',
      headers: { ...sent, authorization },
    });
    assertRefusal(answer, 403, INVALID, /x-amz-security-token:\[17 characters\]\n/);
    for (const secret of [right, wrong, server.secretAccessKey, 'THE'])
      assert.ok(!answer.text.includes(secret), secret);
  });

  it('does not get the signature back if SignedHeaders lists Authorization', async () => {
    const sent = api.headersOf('GET', '/-/vaults/v');
    const authorization = (sent['authorization'] ?? '').replace(
      'SignedHeaders=',
      'SignedHeaders=authorization;',
    );
    const answer = await sendRaw(server.url, {
      method: 'GET',
      target: '/-/vaults/v',
      headers: { ...sent, authorization },
    });
    assertRefusal(answer, 403, INVALID, /\nauthorization:\[\d+ characters\]\n/);
    assert.ok(!answer.text.includes(authorization.slice(-64)));
  });

  it('gets an answer of at most 8 KiB, whatever the request', async () => {
    const headers = { 'x-long': '"'.repeat(12_000), 'x-odd': 'caf\xc3\xa9\x85' };
    const answer = await api.call('GET', '/-/vaults/v', { headers, signer: { secretAccessKey: 'another' } });
    assertRefusal(answer, 403, INVALID, /\[\d+ characters left out\]/);
    assert.ok(answer.text.length <= 8192);
  });

  it('is logged at the default level, with the evidence and without secrets', async () => {
    const headers = { 'x-amz-security-token': 'THE/SESSION+TOKEN', 'x-mark': 'looked-for' };
    await api.call('GET', '/-/vaults/v', { headers, signer: { secretAccessKey: 'another' } });
    const line = await eventually('the line', () =>
      server
        .errors()
        .split('\n')
        .find((text) => text.includes('looked-for')),
    );
    const { level, msg, evidence, operation } = JSON.parse(line);
    assert.deepEqual([level, operation], [30, 'DescribeVault']);
    assert.match(msg, /^wrong signature/);
    assert.match(evidence, /The Canonical String .*x-mark:looked-for\n/s);
    assert.doesNotMatch(server.errors(), /SESSION|THE COOKIE/);
  });

  it('leaves only its message in the audit log', async () => {
    const { readFile, readdir } = await import('node:fs/promises');
    const folder = `${server.data}/audit`;
    const files = await readdir(folder);
    const texts = await Promise.all(files.map((name) => readFile(`${folder}/${name}`, 'utf8')));
    const records = texts
      .join('\n')
      .split('\n')
      .filter((line) => line.includes(INVALID));
    assert.ok(records.length > 0);
    assert.doesNotMatch(records.join('\n'), /Canonical String/);
  });
});

describe('a value that cannot be signed reliably', () => {
  const wrong = { secretAccessKey: 'another' };
  const DESCRIPTION =
    /^Invalid x-amz-archive-description: the character 0x[0-9a-f]{2} at position \d+ is not printable ASCII/;

  it('in a description is named by both operations with descriptions, whatever the signature', async () => {
    for (const description of ['caf\xe9', 'caf\xc3\xa9', 'a\xc2\xa0b', 'no-break\xa0', 'tab\tin it']) {
      for (const by of [wrong, {}]) {
        const upload = { ...hashHeaders('x'), 'x-amz-archive-description': description };
        const single = await api.call('POST', '/-/vaults/v/archives', {
          headers: upload,
          body: 'x',
          signer: by,
        });
        assertRefusal(single, 400, 'InvalidParameterValueException', DESCRIPTION);
        const start = { 'x-amz-part-size': '1048576', 'x-amz-archive-description': description };
        const multi = await api.call('POST', '/-/vaults/v/multipart-uploads', { headers: start, signer: by });
        assertRefusal(multi, 400, 'InvalidParameterValueException', DESCRIPTION);
      }
    }
  });

  it('in a presigned request is named as well', async () => {
    const { host } = new URL(server.url);
    const request = {
      method: 'POST',
      target: '/-/vaults/v/multipart-uploads',
      headers: { host },
      payloadHash: sha256Hex(''),
    };
    const target = presignTarget(request, signer(new Date()));
    const headers = {
      host,
      ...VERSION,
      'x-amz-part-size': '1048576',
      'x-amz-archive-description': 'caf\xe9',
    };
    const answer = await sendRaw(server.url, { method: 'POST', target, headers });
    assertRefusal(answer, 400, 'InvalidParameterValueException', DESCRIPTION);
  });

  it('in any other header, in the query or in the path is named instead of the signature', async () => {
    const invalid = (text: RegExp) => [400, 'InvalidParameterValueException', text] as const;
    const upload = { ...hashHeaders('x'), 'x-amz-sha256-tree-hash': '\xe9' };
    const archives = '/-/vaults/v/archives';
    const uploads = '/-/vaults/v/multipart-uploads';
    const rows: readonly (readonly [
      string,
      string,
      Record<string, string>,
      readonly [number, string, RegExp],
    ])[] = [
      ['POST', archives, upload, invalid(/^Invalid x-amz-sha256-tree-hash: /)],
      ['POST', uploads, { 'x-amz-part-size': '1048576\xa0' }, invalid(/^Invalid part size: /)],
      ['POST', `${uploads}/x`, { 'x-amz-archive-size': '\xb9' }, invalid(/^Invalid x-amz-archive-size: /)],
      [
        'POST',
        `${uploads}/x`,
        { 'x-amz-sha256-tree-hash': '\xb9' },
        invalid(/^Invalid x-amz-sha256-tree-hash: /),
      ],
      [
        'PUT',
        `${uploads}/x`,
        { ...hashHeaders('x'), 'content-range': 'bytes 0\x960/*' },
        invalid(/^Invalid Content-Range: /),
      ],
      [
        'GET',
        '/-/vaults/v',
        { 'x-amz-glacier-version': '2012\x9606\x9601' },
        invalid(/^Invalid x-amz-glacier-version: /),
      ],
      ['GET', '/-/vaults?limit=%C3%A9', {}, invalid(/^Invalid limit: é/)],
      ['GET', '/-/vaults/v/jobs?statuscode=%C2%A0Succeeded', {}, invalid(/Succeeded/)],
      ['PUT', '/-/vaults/caf%C3%A9', {}, invalid(/^Invalid vault name: café$/)],
      [
        'GET',
        '/-/vaults/caf%C3%A9',
        {},
        [404, 'ResourceNotFoundException', /^Vault not found for ARN: café$/],
      ],
      [
        'DELETE',
        '/-/vaults/caf%C3%A9',
        {},
        [404, 'ResourceNotFoundException', /^Vault not found for ARN: café$/],
      ],
      ['GET', '/caf%C3%A9/vaults', {}, [400, 'UnrecognizedClientException', /^No account found/]],
    ];
    for (const [method, target, headers, refusal] of rows) {
      const body = 'x-amz-content-sha256' in headers ? 'x' : '';
      for (const by of [wrong, {}]) {
        const needed =
          method === 'POST' && target === `${uploads}/x`
            ? { 'x-amz-archive-size': '1', 'x-amz-sha256-tree-hash': sha256Hex('') }
            : {};
        const answer = await api.call(method, target, {
          headers: { ...needed, ...headers },
          body,
          signer: by,
        });
        assertRefusal(answer, ...refusal);
      }
    }
  });

  it('is not reported for well-formed values, whose wrong signature gets the usual error', async () => {
    const headers = {
      ...hashHeaders('x'),
      'x-amz-archive-description': 'a description',
      'user-agent': 'caf\xe9',
    };
    const answer = await api.call('POST', '/-/vaults/v/archives', { headers, body: 'x', signer: wrong });
    assertRefusal(answer, 403, INVALID, /\nuser-agent:caf\\xE9\n/);
  });
});
