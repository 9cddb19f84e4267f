/** Signature Version 4 for an S3 engine, for plain paths only: letters, digits and slashes, no query. */
import { createHash, createHmac } from 'node:crypto';

export interface S3Access {
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface S3Request {
  readonly method: string;
  readonly path: string;
  /** Headers with names in lower case, including `host` and `x-amz-content-sha256`. All are signed. */
  readonly headers: Readonly<Record<string, string>>;
}

/** SHA-256 of an empty body. */
export const NOTHING_HASH = createHash('sha256').digest('hex');

/** Signs a request. @returns its headers. */
export function signS3(
  { method, path, headers }: S3Request,
  access: S3Access,
  at: Date,
): Record<string, string> {
  const time = at.toISOString().replace(/[-:]|\.\d+/g, '');
  const all: Record<string, string> = { ...headers, 'x-amz-date': time };
  const names = Object.keys(all).sort();
  const lines = names.map((name) => `${name}:${all[name]}\n`).join('');
  const signedNames = names.join(';');
  const canonical = [method, path, '', lines, signedNames, all['x-amz-content-sha256']].join('\n');
  const scope = `${time.slice(0, 8)}/${access.region}/s3/aws4_request`;
  const digest = createHash('sha256').update(canonical).digest('hex');
  const text = ['AWS4-HMAC-SHA256', time, scope, digest].join('\n');
  const key = scope.split('/').reduce(hmac, Buffer.from(`AWS4${access.secretAccessKey}`));
  return {
    ...all,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${access.accessKeyId}/${scope}, ` +
      `SignedHeaders=${signedNames}, Signature=${hmac(key, text).toString('hex')}`,
  };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}
