import { hash } from 'node:crypto';

/**
 * The canonical form of a request, which Signature Version 4 signs. Pure functions on text.
 *
 * All text is byte text, one character per byte (U+0000..U+00FF), as node:http passes targets and headers. Nothing is
 * decoded here, so a client may sign and send UTF-8 bytes.
 */

/** One parameter of the query, both halves in canonical percent-encoding. */
export interface QueryPair {
  readonly name: string;
  readonly value: string;
}

/** What is signed, except the payload's hash, which may be known only after the body. */
export interface CanonicalRequest {
  readonly method: string;
  /** The target's path. */
  readonly path: string;
  readonly query: readonly QueryPair[];
  /** Lower-case, in the order of the SignedHeaders list. */
  readonly signedHeaders: readonly string[];
  /** Lower-case name → canonical value; has every signed header. */
  readonly headers: ReadonlyMap<string, string>;
}

export const ALGORITHM = 'AWS4-HMAC-SHA256';

/** Byte → its canonical form in a query: unreserved characters (RFC 3986) as they are, others `%XX`. */
const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const char = String.fromCharCode(byte);
  return /[A-Za-z0-9\-._~]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
});

/** Cuts a request target at its first `?`; without one the query is empty. Never throws. */
export function splitTarget(target: string): { path: string; query: string } {
  const at = target.indexOf('?');
  if (at < 0) return { path: target, query: '' };
  return { path: target.slice(0, at), query: target.slice(at + 1) };
}

/**
 * The path without empty, `.` and `..` segments; a slash at the end stays. Percent escapes are not decoded,
 * so `%2E%2E` is an ordinary segment. Never throws, never climbs above the root, and is idempotent.
 */
export function normalizePath(path: string): string {
  if (path === '') return '/';
  if (path.startsWith('/') && !path.includes('//') && !path.includes('/.')) return path;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '' && segment !== '.') kept.push(segment);
  }
  const start = path.startsWith('/') ? '/' : '';
  const end = path.endsWith('/') && kept.length > 0 ? '/' : '';
  return start + kept.join('/') + end;
}

/**
 * The canonical URI: the path normalized, then each segment encoded once more, so that `%3A` on the wire is `%253A` here.
 * This is the general rule of Signature Version 4; only S3 leaves paths as they are. Never throws.
 */
export function canonicalUri(path: string): string {
  return normalizePath(path).replace(/[^A-Za-z0-9\-._~/]/g, encodeChar);
}

/**
 * The parameters of a raw query in the order sent, with canonical encoding: escapes are decoded and encoded
 * again, `+` is a literal plus (`%2B`), a `%` that does not start an escape is a literal percent sign (`%25`), and a
 * name without `=` has an empty value. An empty piece (`a&&b`) is a parameter without a name, as in AWS's signers.
 * Never throws.
 */
export function parseQuery(query: string): QueryPair[] {
  if (query === '') return [];
  return query.split('&').map((piece) => {
    const at = piece.indexOf('=');
    if (at < 0) return { name: reencode(piece), value: '' };
    return { name: reencode(piece.slice(0, at)), value: reencode(piece.slice(at + 1)) };
  });
}

/** Decodes canonical encoding into byte text. Never throws. */
export function decodePercent(encoded: string): string {
  return encoded.replace(/%[0-9A-F]{2}/g, (triplet) => String.fromCharCode(escapedByte(triplet)));
}

/** The canonical query: `name=value` joined by `&`, sorted by encoded name, then by encoded value. */
export function canonicalQuery(pairs: readonly QueryPair[]): string {
  const sorted = pairs.length > 1 ? [...pairs].sort(byNameThenValue) : pairs;
  return sorted.map(({ name, value }) => `${name}=${value}`).join('&');
}

/** A header's value, trimmed, with each inner run of spaces and tabs as one space. Takes linear time. */
export function canonicalHeaderValue(value: string): string {
  const folded = /\t| {2}/.test(value) ? value.replace(/[ \t]+/g, ' ') : value;
  // String.trim would also remove 0xA0, which can be the last byte of a UTF-8 character.
  return folded.slice(folded.startsWith(' ') ? 1 : 0, folded.endsWith(' ') ? -1 : undefined);
}

/**
 * The canonical request without the payload's hash, which the caller appends. A signed header that is not in `headers`
 * counts as empty; the caller must refuse it. Never throws.
 */
export function canonicalRequestHead(parts: CanonicalRequest): string {
  const { method, path, query, signedHeaders, headers } = parts;
  let head = `${method}\n${canonicalUri(path)}\n${canonicalQuery(query)}\n`;
  for (const name of signedHeaders) head += `${name}:${headers.get(name) ?? ''}\n`;
  return `${head}\n${signedHeaders.join(';')}\n`;
}

/** SHA-256 of a canonical request in lower-case hex. */
export function hashCanonicalRequest(canonicalRequest: string): string {
  return hash('sha256', Buffer.from(canonicalRequest, 'latin1'), 'hex');
}

/**
 * What the key signs. `timestamp` is `YYYYMMDD'T'HHMMSS'Z'`, `scope` is
 * `{date}/{region}/glacier/aws4_request`. Never throws.
 */
export function stringToSign(timestamp: string, scope: string, canonicalRequest: string): string {
  return `${ALGORITHM}\n${timestamp}\n${scope}\n${hashCanonicalRequest(canonicalRequest)}`;
}

/** Canonical encoding of one half of a raw parameter. */
function reencode(raw: string): string {
  return raw.replace(/%[0-9A-Fa-f]{2}|[^A-Za-z0-9\-._~]/g, (match) =>
    match.length === 3 ? encodeByte(escapedByte(match)) : encodeChar(match),
  );
}

/** The byte of an escape `%XX`. */
function escapedByte(triplet: string): number {
  return Number.parseInt(triplet.slice(1), 16);
}

function encodeChar(char: string): string {
  return encodeByte(char.charCodeAt(0));
}

function encodeByte(byte: number): string {
  return ENCODED[byte & 0xff] ?? '';
}

/** Orders by bytes, as the rule demands: encoded text is ASCII, so comparing UTF-16 units does that. */
function byNameThenValue(a: QueryPair, b: QueryPair): number {
  if (a.name !== b.name) return a.name < b.name ? -1 : 1;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}
