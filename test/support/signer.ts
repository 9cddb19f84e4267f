/**
 * Signature Version 4 for requests that no SDK would sign: any target, header, time or payload hash. Written from the
 * specification alone, so that it can disagree with the server.
 */
import { createHash, createHmac } from 'node:crypto';

/** The signing key, and the scope and date of the signature. */
export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  readonly at: Date;
}

export interface Unsigned {
  readonly method: string;
  /** Path and query as sent. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The payload hash that the signature covers: the body's, or anything else that the client claims. */
  readonly payloadHash: string;
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

export function sha256Hex(data: Uint8Array | string): string {
  return createHash('sha256').update(data).digest('hex');
}

/** The request's headers with `x-amz-date` and `Authorization`. All of them are signed. */
export function signHeaders(request: Unsigned, signer: Signer): Record<string, string> {
  const headers = { 'x-amz-date': amzDate(signer.at), ...lowerCased(request.headers) };
  const names = Object.keys(headers).sort();
  const signature = signatureOf({ ...request, headers }, names, signer);
  return {
    ...headers,
    authorization:
      `AWS4-HMAC-SHA256 Credential=${signer.accessKeyId}/${scopeOf(signer)}, ` +
      `SignedHeaders=${names.join(';')}, Signature=${signature}`,
  };
}

/** The target of a presigned request: only `host` is signed. */
export function presignTarget(
  request: Unsigned,
  signer: Signer,
  { expires = '300', more = {} }: { expires?: string; more?: Readonly<Record<string, string>> } = {},
): string {
  const parameters = new URLSearchParams({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${signer.accessKeyId}/${scopeOf(signer)}`,
    'X-Amz-Date': amzDate(signer.at),
    'X-Amz-Expires': expires,
    'X-Amz-SignedHeaders': 'host',
    ...more,
  });
  const target = `${request.target}${request.target.includes('?') ? '&' : '?'}${parameters}`;
  const signature = signatureOf({ ...request, target }, ['host'], signer);
  return `${target}&X-Amz-Signature=${signature}`;
}

/** `20120525T002453Z` */
export function amzDate(date: Date): string {
  return date.toISOString().replace(/[-:]|\.\d+/g, '');
}

function scopeOf({ region, at }: Signer): string {
  return `${amzDate(at).slice(0, 8)}/${region}/glacier/aws4_request`;
}

function signatureOf(
  { method, target, headers, payloadHash }: Unsigned,
  names: readonly string[],
  signer: Signer,
): string {
  const [path = '', query = ''] = target.split('?');
  const lines = names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/[ \t]+/g, ' ')}\n`);
  const canonical = [
    method,
    canonicalPath(path),
    canonicalQuery(query),
    lines.join(''),
    names.join(';'),
    payloadHash,
  ];
  const scope = scopeOf(signer);
  // A character is a byte, as node:http sends headers.
  const digest = sha256Hex(Buffer.from(canonical.join('\n'), 'latin1'));
  const text = ['AWS4-HMAC-SHA256', amzDate(signer.at), scope, digest].join('\n');
  const start = Buffer.from(`AWS4${signer.secretAccessKey}`);
  const key = scope.split('/').reduce(hmac, start as Buffer);
  return hmac(key, text).toString('hex');
}

/** Normalizes the path, then encodes each segment once more. */
function canonicalPath(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(encode(segment));
  }
  return `/${kept.join('/')}${path.endsWith('/') && kept.length > 0 ? '/' : ''}`;
}

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((piece) => {
    const [name = '', ...value] = piece.split('=');
    return [encode(decode(name)), encode(decode(value.join('=')))].join('\0');
  });
  // By name, then by value: a character before all others keeps `a` before `a0`.
  return pairs
    .sort()
    .map((pair) => pair.replace('\0', '='))
    .join('&');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
