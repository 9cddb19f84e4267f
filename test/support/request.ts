/** Sends hand-signed requests, for those that no SDK sends. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from '../../src/client/sha256.ts';
import { treeHash } from '../../src/treehash/index.ts';
import type { Credentials } from './server.ts';

export interface SignedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Headers changed or added after signing. */
  readonly unsigned?: Readonly<Record<string, string>>;
  readonly region?: string;
  /** Date of the signature; now by default. */
  readonly at?: Date;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** The body as JSON. @throws SyntaxError when it is not JSON. */
  json(): Record<string, unknown>;
}

/** The headers of a request as sent, Authorization included. */
async function sign(
  url: string,
  credentials: Credentials,
  { method, target, headers = {}, body = '', region = 'us-east-1', at = new Date() }: SignedRequest,
): Promise<Record<string, string>> {
  const { host, hostname, protocol } = new URL(url);
  const [path = '', search = ''] = target.split('?');
  const signer = new SignatureV4({ service: 'glacier', region, credentials, sha256: Sha256 });
  const query = Object.fromEntries(new URLSearchParams(search));
  const all = { host, 'x-amz-glacier-version': '2012-06-01', ...headers };
  const signed = await signer.sign(
    { method, protocol, hostname, path, query, headers: all, body },
    { signingDate: at },
  );
  return signed.headers;
}

/** Signs and sends a request. */
export async function send(url: string, credentials: Credentials, options: SignedRequest): Promise<Answer> {
  const headers = { ...(await sign(url, credentials, options)), ...options.unsigned };
  return sendRaw(url, { ...options, headers });
}

/** Sends a request as it is. */
export function sendRaw(
  url: string,
  { method, target, headers = {}, body = '' }: Pick<SignedRequest, 'method' | 'target' | 'headers' | 'body'>,
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const outgoing = request({ hostname, port, method, path: target, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const answered = response.headers as Record<string, string>;
        resolve({ status: response.statusCode ?? 0, headers: answered, text, json: () => JSON.parse(text) });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The two hash headers of an upload's body. */
export function hashHeaders(body: Uint8Array | string): Record<string, string> {
  const bytes = Buffer.from(body);
  return {
    'x-amz-content-sha256': createHash('sha256').update(bytes).digest('hex'),
    'x-amz-sha256-tree-hash': treeHash(bytes),
    'content-length': String(bytes.length),
  };
}
