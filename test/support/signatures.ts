/** Requests signed by known clients, and a server's check of them. */
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import type { ErrorCode } from '../../src/operations/error-code.ts';
import { createSigningKeys } from '../../src/protocol/signature/keys.ts';
import {
  type Authentication,
  parseAuthentication,
  type SignedRequest,
} from '../../src/protocol/signature/parse.ts';
import { verifySignature } from '../../src/protocol/signature/verify.ts';
import { ApiError } from '../../src/protocol/wire-error.ts';

export const KEY = 'AKIAIOSFODNN7EXAMPLE';
export const SECRET = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';
export const HOST = 'glacier.us-east-1.amazonaws.com';
export const NOW = Date.UTC(2017, 1, 10, 12);
export const SCOPE = '20170210/us-east-1/glacier/aws4_request';
export const EMPTY_HASH = sha256('');
export const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret ' +
  'Access Key and signing method. Consult the service documentation for details.';

export function sha256(data: string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** Parses and verifies a request like a server whose only key is `secret`. */
export function authenticate(
  request: SignedRequest,
  { nowMs = NOW, secret = SECRET, payloadHash = '', keys = createSigningKeys() } = {},
): Authentication {
  const authentication = parseAuthentication(request, nowMs);
  const hash = payloadHash || (authentication.declaredPayloadHash ?? EMPTY_HASH);
  verifySignature(authentication, secret, hash, keys);
  return authentication;
}

/** Asserts that `run` throws an API error with this code, and this message or one that matches the pattern. */
export function refuses(
  run: () => unknown,
  message: string | RegExp = /./,
  code: ErrorCode = 'InvalidSignatureException',
): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.code, code);
    if (typeof message === 'string') assert.equal(error.message, message);
    else assert.match(error.message, message);
    return true;
  });
}

export interface Vector {
  readonly name: string;
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly date: string;
  readonly signedHeaders: string;
  readonly body: string;
  readonly canonicalHash: string;
  readonly signature: string;
}

export const HELLO_HASH = sha256('Hello World!');

/** The first two are examples from AWS's API guide; the others agree with botocore. */
export const VECTORS: readonly Vector[] = [
  {
    name: 'CreateVault of the API guide',
    method: 'PUT',
    target: '/-/vaults/examplevault',
    headers: {},
    date: '20120525T002453Z',
    signedHeaders: 'host;x-amz-date;x-amz-glacier-version',
    body: '',
    canonicalHash: '5f1da1a2d0feb614dd03d71e87928b8e449ac87614479332aced3a701f916743',
    signature: '3ce5b2f2fffac9262b4da9256f8d086b4aaf42eba5f111c21681a65a127b7c2a',
  },
  {
    name: 'UploadArchive of the API guide',
    method: 'POST',
    target: '/-/vaults/examplevault/archives',
    headers: { 'x-amz-content-sha256': '726e392cb4d09924dbad1cc0ba3b00c3643d03d14cb4b823e2f041cff612a628' },
    date: '20120507T000000Z',
    signedHeaders: 'host;x-amz-content-sha256;x-amz-date;x-amz-glacier-version',
    body: 'Welcome to Amazon Glacier.',
    canonicalHash: 'f3df090abf5698dbe2230b41165a7b8991f9616ef67de13ac283577a02732819',
    signature: 'b092397439375d59119072764a1e9a144677c43d9906fd98a5742c57a2855de6',
  },
  {
    name: 'ListVaults with an encoded marker',
    method: 'GET',
    target: '/-/vaults?limit=10&marker=arn%3Aaws%3Aglacier%3Aus-east-1%3A111122223333%3Avaults%2Fv1',
    headers: {},
    date: '20170210T120000Z',
    signedHeaders: 'host;x-amz-date;x-amz-glacier-version',
    body: '',
    canonicalHash: 'a26296c21a86049c21e28c1c141d366c6fd5f2c34b3c14dad49ab14e0b6c7de6',
    signature: '03629f9ed911bf765b2a9a8a2e733634950578fda31ae3192b304d382200debc',
  },
  {
    name: 'AddTagsToVault, without a header for the hash of its body',
    method: 'POST',
    target: '/-/vaults/examplevault/tags?operation=add',
    headers: { 'Content-Type': 'application/json' },
    date: '20170210T120000Z',
    signedHeaders: 'content-type;host;x-amz-date;x-amz-glacier-version',
    body: '{"Tags":{"k1":"v1"}}',
    canonicalHash: '0f410132b36bc394957bf6c53fd1e825626ccdbb5b94a97bb7e2242f9fd70f0d',
    signature: '7fd23d11bf669e1875d54c77472990ecd88ff6bd9bb6ab28943fbc4be8eabd0b',
  },
  {
    name: 'UploadArchive with double spaces in the description',
    method: 'POST',
    target: '/-/vaults/examplevault/archives',
    headers: {
      'x-amz-archive-description': 'two  spaces',
      'x-amz-content-sha256': HELLO_HASH,
      'x-amz-sha256-tree-hash': HELLO_HASH,
    },
    date: '20170210T120000Z',
    signedHeaders:
      'host;x-amz-archive-description;x-amz-content-sha256;x-amz-date;x-amz-glacier-version;x-amz-sha256-tree-hash',
    body: 'Hello World!',
    canonicalHash: 'f889f3486ba8dd5bf391e7c777ab87a9417f385915f01eb9f8faf336ae575551',
    signature: '0d9b022ac5af1c7334362088aa5e9465a66a081d5a1c0a9218f688a0dac4135d',
  },
  {
    name: 'DescribeVault with a session token',
    method: 'GET',
    target: '/-/vaults/examplevault',
    headers: { 'x-amz-security-token': 'EXAMPLETOKEN' },
    date: '20170210T120000Z',
    signedHeaders: 'host;x-amz-date;x-amz-glacier-version;x-amz-security-token',
    body: '',
    canonicalHash: '05531a1fe82cf7c32a0020bee43d2d86913f8e26adb492d22185f5ecd73fb29e',
    signature: '2642b140385f940823dc3ec9d4028c780a10712bc6cef7a7f5ffeabc70062084',
  },
];

export function nowOf(basic: string): number {
  return Date.parse(basic.replace(/(....)(..)(..T..)(..)(..Z)/, '$1-$2-$3:$4:$5'));
}

export function authorization(signature: string, signedHeaders: string, scope = SCOPE): string {
  return `AWS4-HMAC-SHA256 Credential=${KEY}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

export function requestOf(vector: Vector): SignedRequest {
  const scope = `${vector.date.slice(0, 8)}/us-east-1/glacier/aws4_request`;
  return {
    method: vector.method,
    target: vector.target,
    rawHeaders: [
      ...['Host', HOST, 'x-amz-glacier-version', '2012-06-01', 'X-Amz-Date', vector.date],
      ...Object.entries(vector.headers).flat(),
      ...['Authorization', authorization(vector.signature, vector.signedHeaders, scope)],
    ],
  };
}

/** A signed DescribeVault. `overrides` sets headers or, if undefined, omits them; `more` adds raw headers. */
export function describeVault(
  overrides: Record<string, string | undefined> = {},
  more: string[] = [],
): SignedRequest {
  const headers: Record<string, string | undefined> = {
    host: HOST,
    'x-amz-glacier-version': '2012-06-01',
    'x-amz-date': '20170210T120000Z',
    authorization: authorization(DESCRIBE_SIGNATURE, DESCRIBE_SIGNED),
    ...overrides,
  };
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [name, value],
  );
  return { method: 'GET', target: '/-/vaults/examplevault', rawHeaders: [...rawHeaders, ...more] };
}

export const DESCRIBE_SIGNED = 'host;x-amz-date;x-amz-glacier-version';
/** Computed without the code under test. */
export const DESCRIBE_SIGNATURE = signByHand(
  `GET\n/-/vaults/examplevault\n\nhost:${HOST}\nx-amz-date:20170210T120000Z\n` +
    `x-amz-glacier-version:2012-06-01\n\n${DESCRIBE_SIGNED}\n${EMPTY_HASH}`,
);

export function signByHand(canonicalRequest: string): string {
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const key = SCOPE.split('/').reduce<string | Buffer>(hmac, `AWS4${SECRET}`);
  return hmac(key, `AWS4-HMAC-SHA256\n20170210T120000Z\n${SCOPE}\n${sha256(canonicalRequest)}`).toString(
    'hex',
  );
}
