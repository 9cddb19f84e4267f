/** Downloads, complete or cut: the bytes that a client has when the connection ends. */
import { createHash } from 'node:crypto';
import { request } from 'node:http';
import type { Api } from './api.ts';

export interface Download {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  /** Whether as many bytes arrived as `Content-Length` promised. */
  readonly complete: boolean;
}

/** Signs and sends a GET; also resolves if the connection breaks in the middle of the body. */
export function download(
  api: Api,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Download> {
  const { hostname, port } = new URL(api.url);
  const options = { hostname, port, path: target, headers: api.headersOf('GET', target, { headers }) };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (response) => {
      const chunks: Buffer[] = [];
      const end = (): void => {
        const status = response.statusCode ?? 0;
        const answered = response.headers as Record<string, string>;
        resolve({
          status,
          headers: answered,
          bytes: Buffer.concat(chunks),
          complete: response.complete,
        });
      };
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', () => {});
      response.on('close', end);
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

/** A digest, for bodies too long to print when they differ. */
export function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
