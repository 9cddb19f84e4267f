/** The header and query values that a signature is about. */
import { canonicalHeaderValue, decodePercent, type QueryPair } from './canonical-request.ts';
import { refusal } from './refusal.ts';

/** Headers by lower-case name, or query parameters that authenticate, by lower-case name. */
export type SentValues = ReadonlyMap<string, string>;

/** Headers that may be sent once only: two parts of the server could read different copies. */
const SENT_ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'date',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
]);

/** Query parameters that authenticate, in lower case: SDKs differ in theirs. */
const QUERY_AUTHENTICATION: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-expires',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
]);

/**
 * Lower-case name → canonical value. Several values of a name are joined by `,`, as the signature has them.
 * @throws ApiError InvalidSignatureException for a second copy of a header that may be sent once.
 */
export function readHeaders(rawHeaders: readonly string[]): SentValues {
  const headers = new Map<string, string>();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase();
    const value = canonicalHeaderValue(rawHeaders[i + 1] ?? '');
    const earlier = headers.get(name);
    if (earlier !== undefined && SENT_ONCE.has(name))
      throw refusal(`The header '${name}' must be sent once.`);
    headers.set(name, earlier === undefined ? value : `${earlier},${value}`);
  }
  return headers;
}

/**
 * The query parameters that authenticate, lower-case name → decoded value.
 * @throws ApiError InvalidSignatureException for a second copy of one.
 */
export function readParameters(pairs: readonly QueryPair[]): SentValues {
  const parameters = new Map<string, string>();
  for (const pair of pairs) {
    const name = pair.name.toLowerCase();
    if (!QUERY_AUTHENTICATION.has(name)) continue;
    if (parameters.has(name)) throw refusal(`The query parameter '${name}' must be sent once.`);
    parameters.set(name, decodePercent(pair.value));
  }
  return parameters;
}

/** @param name as the refusal shows it. @throws ApiError InvalidSignatureException when it was not sent. */
export function requireParameter(parameters: SentValues, name: string): string {
  const value = parameters.get(name.toLowerCase());
  if (value !== undefined) return value;
  throw refusal(
    `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
  );
}

/**
 * A value that may be sent as a header, as a query parameter, or as both.
 * @throws ApiError InvalidSignatureException when the two differ.
 */
export function readEither(name: string, headers: SentValues, parameters: SentValues): string | undefined {
  const header = headers.get(name);
  const parameter = parameters.get(name);
  if (header !== undefined && parameter !== undefined && header !== parameter) {
    throw refusal(`'${name}' has different values as header and in the query.`);
  }
  return header ?? parameter;
}
