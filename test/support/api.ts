/** The API for tests: signed calls on one region of a server, and assertions on every answer. */
import assert from 'node:assert/strict';
import { type Answer, hashHeaders, sendRaw } from './request.ts';
import type { Credentials, TestServer } from './server.ts';
import { type Signer, sha256Hex, signHeaders, type Unsigned } from './signer.ts';

export interface CallOptions {
  /** Undefined removes a header that is sent by default. */
  readonly headers?: Readonly<Record<string, string | undefined>> | undefined;
  readonly body?: Uint8Array | string;
  /** Headers changed after signing. */
  readonly unsigned?: Readonly<Record<string, string>>;
  /** The hash that the signature covers, if not the claimed one or the body's. */
  readonly payloadHash?: string;
  readonly signer?: Partial<Signer>;
}

export interface Api {
  readonly url: string;
  readonly region: string;
  readonly accountId: string;
  call(method: string, target: string, options?: CallOptions): Promise<Answer>;
  /** The headers that `call` would send. */
  headersOf(method: string, target: string, options?: CallOptions): Record<string, string>;
  vaultArn(name: string): string;
  createVault(name: string): Promise<void>;
  /** Uploads an archive in one request and returns its id. */
  upload(vault: string, body: Uint8Array | string, description?: string): Promise<string>;
  /** Starts a multipart upload and returns its id. */
  initiate(vault: string, partSize: number, description?: string): Promise<string>;
  putPart(vault: string, uploadId: string, first: number, body: Uint8Array): Promise<Answer>;
  complete(vault: string, uploadId: string, size: number, treeHash: string): Promise<Answer>;
}

/** Vaults are per region, so tests that use different regions can share a server. */
export function apiOf(server: Credentials & Pick<TestServer, 'url'>, region = 'us-east-1'): Api {
  const { url, accountId, accessKeyId, secretAccessKey } = server;
  const { host } = new URL(url);

  const headersOf: Api['headersOf'] = (method, target, options = {}) => {
    const { body = '', signer = {}, unsigned = {} } = options;
    const headers = withoutUndefined({ host, 'x-amz-glacier-version': '2012-06-01', ...options.headers });
    const payloadHash = options.payloadHash ?? headers['x-amz-content-sha256'] ?? sha256Hex(body);
    const request: Unsigned = { method, target, headers, payloadHash };
    const signed = signHeaders(request, { accessKeyId, secretAccessKey, region, at: new Date(), ...signer });
    return { ...signed, ...unsigned };
  };

  const call: Api['call'] = (method, target, options = {}) => {
    // As bytes: together with text, node:http would send the headers in UTF-8.
    const body = Buffer.from(options.body ?? '');
    return sendRaw(url, { method, target, headers: headersOf(method, target, options), body });
  };

  const succeed = async (status: number, ...args: Parameters<Api['call']>): Promise<Answer> => {
    const answer = await call(...args);
    assert.equal(answer.status, status, answer.text);
    return answer;
  };

  return {
    url,
    region,
    accountId,
    call,
    headersOf,
    vaultArn: (name) => `arn:aws:glacier:${region}:${accountId}:vaults/${name}`,
    async createVault(name) {
      await succeed(201, 'PUT', `/-/vaults/${name}`);
    },
    async upload(vault, body, description) {
      const headers = { ...hashHeaders(body), 'x-amz-archive-description': description };
      const answer = await succeed(201, 'POST', `/-/vaults/${vault}/archives`, { headers, body });
      return answer.headers['x-amz-archive-id'] ?? '';
    },
    async initiate(vault, partSize, description) {
      const headers = { 'x-amz-part-size': String(partSize), 'x-amz-archive-description': description };
      const answer = await succeed(201, 'POST', `/-/vaults/${vault}/multipart-uploads`, { headers });
      return answer.headers['x-amz-multipart-upload-id'] ?? '';
    },
    putPart(vault, uploadId, first, body) {
      const headers = {
        ...hashHeaders(body),
        'content-range': `bytes ${first}-${first + body.length - 1}/*`,
      };
      return call('PUT', `/-/vaults/${vault}/multipart-uploads/${uploadId}`, { headers, body });
    },
    complete(vault, uploadId, size, treeHash) {
      const headers = { 'x-amz-archive-size': String(size), 'x-amz-sha256-tree-hash': treeHash };
      return call('POST', `/-/vaults/${vault}/multipart-uploads/${uploadId}`, { headers });
    },
  };
}

function withoutUndefined(headers: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const given = Object.entries(headers).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return Object.fromEntries(given);
}

/** Error codes of the service's front end, whose bodies begin with the message. */
const FRONT_END = new Set([
  'AccessDeniedException',
  'ExpiredTokenException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'ThrottlingException',
  'UnrecognizedClientException',
]);

/** Asserts on the headers that every answer has. */
export function assertCommon(answer: Answer): void {
  assert.match(answer.headers['x-amzn-requestid'] ?? '', /^[A-Za-z0-9_-]{47,48}$/);
  assert.match(answer.headers['date'] ?? '', /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/);
  assert.equal(answer.headers['x-amzn-errortype'], undefined);
  assert.equal(answer.headers['transfer-encoding'], undefined);
}

/** Asserts an answer whose data is in its headers: the body is `{}` with 201 and 202; a 204 has no body and no type. */
export function assertEmpty(answer: Answer, status: number): void {
  assert.equal(answer.status, status, answer.text);
  assertCommon(answer);
  const empty = status === 204;
  assert.equal(answer.text, empty ? '' : '{}');
  assert.equal(answer.headers['content-type'], empty ? undefined : 'application/json');
  assert.equal(answer.headers['content-length'], empty ? undefined : '2');
}

/** Asserts that the body is compact JSON with the right headers; returns the value. */
export function assertJson(answer: Answer, status = 200): Record<string, unknown> {
  assert.equal(answer.status, status, answer.text);
  assertCommon(answer);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.headers['content-length'], String(Buffer.byteLength(answer.text)));
  const json = answer.json();
  assert.equal(answer.text, JSON.stringify(json));
  return json;
}

/** Asserts a refusal byte for byte: three keys, in the order of the part of the service that refuses. */
export function assertRefusal(answer: Answer, status: number, code: string, message: string | RegExp): void {
  const json = assertJson(answer, status);
  const text = typeof message === 'string' ? message : String(json['message']);
  const type = 'Client';
  const expected = FRONT_END.has(code) ? { message: text, code, type } : { code, message: text, type };
  assert.equal(answer.text, JSON.stringify(expected));
  if (message instanceof RegExp) assert.match(text, message);
}
