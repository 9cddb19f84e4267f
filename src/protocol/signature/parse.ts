import { canonicalRequestHead, parseQuery, splitTarget } from './canonical-request.ts';
import {
  expiryOfQuery,
  requireInWindow,
  requireScopeDate,
  SKEW,
  timestampOfHeaders,
  timestampOfQuery,
} from './dates.ts';
import {
  isPresigned,
  parseCredential,
  parseSignedHeaders,
  proofOfHeader,
  proofOfQuery,
  requireSignatureForm,
} from './proof.ts';
import { quote, refusal } from './refusal.ts';
import { readEither, readHeaders, readParameters, type SentValues } from './sent-values.ts';

/** The parts of a request that are checked before its body. Text has one character per byte, as in node:http. */
export interface SignedRequest {
  readonly method: string;
  /** Path and query, reduced by `reduceTarget` (target.ts). */
  readonly target: string;
  /** Names and values alternating, in the order received, like `rawHeaders` of node:http. */
  readonly rawHeaders: readonly string[];
}

/** The key that a request names, and all that is needed to check its signature once the secret is known. */
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

const NO_PARAMETERS: SentValues = new Map();

const PAYLOAD_HASH = 'The value passed in as x-amz-content-sha256 does not match the computed payload hash.';

/**
 * Reads how a request was signed and makes every check that needs neither secret nor body: a single form of
 * authentication, the scope, the clock, which headers must be signed, and the form of the payload's hash.
 * `verifySignature` checks the signature itself. Takes time linear in the request's head, but for sorting the query.
 * @param nowMs when the headers had arrived, ms since the epoch.
 * @throws ApiError MissingAuthenticationTokenException if nothing authenticates, otherwise InvalidSignatureException
 * with the service's text where that is known. Nothing else.
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

/** A character above 0xFF would lose bits when text becomes bytes, and the signature would cover something else. */
function requireByteText({ method, target, rawHeaders }: SignedRequest): void {
  for (const text of [method, target, ...rawHeaders]) {
    if (/[^\0-\xff]/.test(text)) throw refusal('The request is not made of bytes.');
  }
}

/**
 * Signed headers must have been sent, and the host and the date must be signed. Other `x-amz-*` headers need not be: the
 * API guide's streaming example leaves some out.
 */
function requireSigned(signedHeaders: readonly string[], headers: SentValues, presigned: boolean): void {
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

/** The declared hash. The header's other values, for unsigned or chunk-signed bodies, are S3's and are refused. */
function readPayloadHash(headers: SentValues, parameters: SentValues): string | undefined {
  const declared = readEither('x-amz-content-sha256', headers, parameters);
  if (declared === undefined || /^[0-9A-Fa-f]{64}$/.test(declared)) return declared;
  throw refusal(`${PAYLOAD_HASH} A SHA-256 of 64 hexadecimal digits is expected, not '${quote(declared)}'.`);
}
