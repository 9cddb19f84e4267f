import { ApiError } from '../../domain/errors.ts';
import { isRegion } from '../../domain/vault.ts';
import {
  ALGORITHM,
  canonicalHeaderValue,
  canonicalRequestHead,
  decodePercent,
  parseQuery,
  type QueryPair,
  splitTarget,
} from './canonical-request.ts';
import {
  basicOfHttpDate,
  type Expiry,
  isBasicDate,
  requireInWindow,
  requireScopeDate,
  SKEW,
} from './dates.ts';
import { SERVICE, TERMINATOR } from './keys.ts';
import { quote, refusal } from './refusal.ts';

/** What of a request is judged before its body. All text has one character a byte, as node:http gives it. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, reduced as for routing (target.ts). */
  readonly target: string;
  /** Names and values by turns, in the order received, like `rawHeaders` of node:http. */
  readonly rawHeaders: readonly string[];
}

/** Who says to have signed a request, and all that is needed to check it once the secret is known. */
export interface Authentication {
  readonly accessKeyId: string;
  /** `YYYYMMDD`, UTC. */
  readonly date: string;
  readonly region: string;
  /** `{date}/{region}/glacier/aws4_request`. */
  readonly scope: string;
  /** `YYYYMMDD'T'HHMMSS'Z'`: when the request was signed. */
  readonly timestamp: string;
  /** Lower-case, ascending; each of them was sent. */
  readonly signedHeaders: readonly string[];
  /** 64 lower-case hex digits. */
  readonly signature: string;
  readonly sessionToken: string | undefined;
  /**
   * `x-amz-content-sha256` as sent: 64 hex digits, mostly lower-case. Sign with it as it is; compare it with
   * the body's hash in lower case. Undefined when not sent: the signature is then over the body's hash.
   */
  readonly declaredPayloadHash: string | undefined;
  /** Authenticated by the query (`X-Amz-Signature`) and not by the Authorization header. */
  readonly presigned: boolean;
  /** The canonical request up to the payload's hash. */
  readonly canonicalHead: string;
}

type Headers = ReadonlyMap<string, string>;

/** The parts of either form of authentication, not yet judged. */
interface Proof {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

interface Credential {
  readonly accessKeyId: string;
  readonly date: string;
  readonly region: string;
  readonly scope: string;
}

const LONGEST_EXPIRY_SECONDS = 604_800;

const NO_PARAMETERS: Headers = new Map();

const PAYLOAD_HASH = 'The value passed in as x-amz-content-sha256 does not match the computed payload hash.';

/** Headers whose second copy could be read by one part of the server while the first was signed. */
const SENT_ONCE: ReadonlySet<string> = new Set([
  'authorization',
  'date',
  'host',
  'x-amz-content-sha256',
  'x-amz-date',
  'x-amz-security-token',
]);

/** Query parameters that authenticate, in lower case; the SDKs differ in theirs. */
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

/** Any of these says that the query means to authenticate. */
const QUERY_MARKS = ['x-amz-signature', 'x-amz-credential', 'x-amz-algorithm'];

/**
 * Reads how a request was signed and makes every check that needs neither secret nor body: one form of
 * authentication, scope (any region that can be a name), the clock at `nowMs` (milliseconds since 1970; pass
 * the time at which the headers had arrived), what must be signed, and the form of the payload's hash. The
 * signature itself is still open: see `verifySignature`. Takes time linear in the request's head, but for
 * sorting the query.
 *
 * @throws ApiError MissingAuthenticationTokenException if nothing authenticates, otherwise
 * InvalidSignatureException with the service's text where that is known. Nothing else.
 */
export function parseAuthentication(request: SignedRequest, nowMs: number): Authentication {
  requireByteText(request);
  const headers = readHeaders(request.rawHeaders);
  const { path, query } = splitTarget(request.target);
  const pairs = parseQuery(query);
  const parameters = readParameters(pairs);
  const presigned = isPresigned(headers, parameters);
  const proof = presigned ? proofOfQuery(parameters) : proofOfHeader(headers.get('authorization') ?? '');
  const credential = parseCredential(proof.credential);
  const timestamp = presigned ? timestampOfQuery(parameters) : timestampOfHeaders(headers);
  requireScopeDate(credential.date, timestamp);
  requireInWindow(timestamp, presigned ? expiryOfQuery(parameters) : SKEW, nowMs);
  const signedHeaders = parseSignedHeaders(proof.signedHeaders);
  requireSigned(signedHeaders, headers, presigned);
  const signedPairs = presigned
    ? pairs.filter(({ name }) => name.toLowerCase() !== 'x-amz-signature')
    : pairs;
  return {
    ...credential,
    timestamp,
    signedHeaders,
    signature: requireSignatureForm(proof.signature),
    sessionToken: readEither('x-amz-security-token', headers, parameters) || undefined,
    declaredPayloadHash: readPayloadHash(headers, presigned ? parameters : NO_PARAMETERS),
    presigned,
    canonicalHead: canonicalRequestHead({
      method: request.method,
      path,
      query: signedPairs,
      signedHeaders,
      headers,
    }),
  };
}

/** Lower-case name → canonical value, several values of a name joined by `,` as the signature wants them. */
function readHeaders(rawHeaders: readonly string[]): Headers {
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

/** A wider character would lose bits where text becomes bytes, and then something else would be signed. */
function requireByteText({ method, target, rawHeaders }: SignedRequest): void {
  for (const text of [method, target, ...rawHeaders]) {
    if (/[^\0-\xff]/.test(text)) throw refusal('The request is not made of bytes.');
  }
}

/** The parameters that authenticate, lower-case name → decoded value. Each may be there once. */
function readParameters(pairs: readonly QueryPair[]): Headers {
  const parameters = new Map<string, string>();
  for (const pair of pairs) {
    const name = pair.name.toLowerCase();
    if (!QUERY_AUTHENTICATION.has(name)) continue;
    if (parameters.has(name)) throw refusal(`The query parameter '${name}' must be sent once.`);
    parameters.set(name, decodePercent(pair.value));
  }
  return parameters;
}

function isPresigned(headers: Headers, parameters: Headers): boolean {
  const byHeader = headers.has('authorization');
  const byQuery = QUERY_MARKS.some((name) => parameters.has(name));
  if (byHeader && byQuery) {
    throw refusal('Only one form of authentication may be used: the Authorization header or the query.');
  }
  if (byHeader || byQuery) return byQuery;
  throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token');
}

function proofOfQuery(parameters: Headers): Proof {
  requireAlgorithm(requireParameter(parameters, 'X-Amz-Algorithm'));
  return {
    credential: requireParameter(parameters, 'X-Amz-Credential'),
    signedHeaders: requireParameter(parameters, 'X-Amz-SignedHeaders'),
    signature: requireParameter(parameters, 'X-Amz-Signature'),
  };
}

function requireParameter(parameters: Headers, name: string): string {
  const value = parameters.get(name.toLowerCase());
  if (value !== undefined) return value;
  throw refusal(
    `AWS query-string parameters must include '${name}'. Re-examine the query-string parameters.`,
  );
}

/** Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, blanks at the commas or not. */
function proofOfHeader(authorization: string): Proof {
  const at = authorization.indexOf(' ');
  requireAlgorithm(at < 0 ? authorization : authorization.slice(0, at));
  const components = parseComponents(at < 0 ? '' : authorization.slice(at));
  return {
    credential: requireComponent(components, 'Credential'),
    signedHeaders: requireComponent(components, 'SignedHeaders'),
    signature: requireComponent(components, 'Signature'),
  };
}

function parseComponents(text: string): ReadonlyMap<string, string> {
  const components = new Map<string, string>();
  for (const piece of text.split(',')) {
    const component = canonicalHeaderValue(piece);
    const at = component.indexOf('=');
    const name = component.slice(0, Math.max(at, 0));
    if (!/^(?:Credential|SignedHeaders|Signature)$/.test(name) || components.has(name)) {
      throw refusal(
        "Authorization header must have 'Credential', 'SignedHeaders' and 'Signature' once each, " +
          `got '${quote(component)}'.`,
      );
    }
    components.set(name, component.slice(at + 1));
  }
  return components;
}

function requireComponent(components: ReadonlyMap<string, string>, name: string): string {
  const value = components.get(name);
  if (value !== undefined) return value;
  throw refusal(`Authorization header requires '${name}' parameter.`);
}

function requireAlgorithm(algorithm: string): void {
  if (algorithm !== ALGORITHM) throw refusal(`Unsupported AWS 'algorithm': '${quote(algorithm)}'.`);
}

/** Reads `{access key id}/{date}/{region}/glacier/aws4_request`; the date is judged with the timestamp. */
function parseCredential(text: string): Credential {
  const [accessKeyId = '', date = '', region = '', service, terminator, ...rest] = text.split('/');
  if (terminator === undefined || rest.length > 0 || !/^[!-~]{1,128}$/.test(accessKeyId)) {
    throw refusal(
      'Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, ' +
        `got '${quote(text)}'.`,
    );
  }
  if (!isRegion(region)) {
    throw refusal(`Credential should be scoped to a valid region, not '${quote(region)}'.`);
  }
  if (service !== SERVICE) throw refusal(`Credential should be scoped to correct service: '${SERVICE}'.`);
  if (terminator !== TERMINATOR) {
    throw refusal(
      `Credential should be scoped with a valid terminator: '${TERMINATOR}', not '${quote(terminator)}'.`,
    );
  }
  return { accessKeyId, date, region, scope: `${date}/${region}/${SERVICE}/${TERMINATOR}` };
}

/** `x-amz-date` wins over `Date`; both may have either form. */
function timestampOfHeaders(headers: Headers): string {
  const text = headers.get('x-amz-date') ?? headers.get('date');
  if (text === undefined) {
    throw refusal("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  const timestamp = isBasicDate(text) ? text : basicOfHttpDate(text);
  if (timestamp !== undefined) return timestamp;
  throw refusal(`Date must be in ISO-8601 'basic format' or in the form of RFC 1123. Got '${quote(text)}'.`);
}

function timestampOfQuery(parameters: Headers): string {
  const text = requireParameter(parameters, 'X-Amz-Date');
  if (isBasicDate(text)) return text;
  throw refusal(
    `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'". Got '${quote(text)}'.`,
  );
}

function expiryOfQuery(parameters: Headers): Expiry {
  const text = requireParameter(parameters, 'X-Amz-Expires');
  const seconds = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > LONGEST_EXPIRY_SECONDS) {
    throw refusal(
      `X-Amz-Expires must be a number of seconds from 1 to ${LONGEST_EXPIRY_SECONDS}, not '${quote(text)}'.`,
    );
  }
  return { seconds, text: `${seconds} sec.` };
}

/** Lower-case header names, ascending and so without repetition: the canonical form itself. */
function parseSignedHeaders(text: string): string[] {
  const names = text.split(';');
  let previous = '';
  for (const name of names) {
    if (!/^[!#$%&'*+\-.^_`|~0-9a-z]+$/.test(name) || name <= previous) {
      throw refusal(
        "SignedHeaders must be lower-case header names in ascending order, separated by ';', " +
          `got '${quote(text)}'.`,
      );
    }
    previous = name;
  }
  return names;
}

/**
 * What was signed must be there, and what the signature is about must be signed. Not every `x-amz-*`: the
 * API guide's own streaming example leaves some out.
 */
function requireSigned(signedHeaders: readonly string[], headers: Headers, presigned: boolean): void {
  const missing = signedHeaders.find((name) => !headers.has(name));
  if (missing !== undefined) {
    throw refusal(`The signed header '${quote(missing)}' is missing from the request.`);
  }
  const dateHeader = headers.has('x-amz-date') ? 'x-amz-date' : 'date';
  for (const name of presigned ? ['host'] : ['host', dateHeader]) {
    if (!signedHeaders.includes(name)) {
      throw refusal(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
    }
  }
}

function requireSignatureForm(signature: string): string {
  if (/^[0-9a-f]{64}$/.test(signature)) return signature;
  throw refusal(`Signature must be 64 lower-case hexadecimal digits, got '${quote(signature)}'.`);
}

/** The claimed hash. Other values of the header are S3's: an unsigned or chunk-signed body is not taken. */
function readPayloadHash(headers: Headers, parameters: Headers): string | undefined {
  const declared = readEither('x-amz-content-sha256', headers, parameters);
  if (declared === undefined || /^[0-9A-Fa-f]{64}$/.test(declared)) return declared;
  throw refusal(`${PAYLOAD_HASH} A SHA-256 of 64 hexadecimal digits is expected, not '${quote(declared)}'.`);
}

/** A value that may come as header or as parameter of the query: both must say the same. */
function readEither(name: string, headers: Headers, parameters: Headers): string | undefined {
  const header = headers.get(name);
  const parameter = parameters.get(name);
  if (header !== undefined && parameter !== undefined && header !== parameter) {
    throw refusal(`'${name}' has different values as header and in the query.`);
  }
  return header ?? parameter;
}
