/** What a request offers as proof: its credential, its signed headers and its signature. */
import { isRegion } from '../../domain/vault.ts';
import { ApiError } from '../wire-error.ts';
import { ALGORITHM, canonicalHeaderValue } from './canonical-request.ts';
import { SERVICE, TERMINATOR } from './keys.ts';
import { quote, refusal } from './refusal.ts';
import { requireParameter, type SentValues } from './sent-values.ts';

/** The texts of either form of authentication, as sent. */
export interface Proof {
  readonly credential: string;
  readonly signedHeaders: string;
  readonly signature: string;
}

/** The credential's scope, and the key that it names. */
export interface CredentialScope {
  readonly accessKeyId: string;
  /** `YYYYMMDD`, not checked yet. */
  readonly date: string;
  readonly region: string;
  readonly scope: string;
}

/** Any of these parameters marks a presigned request. */
const QUERY_MARKS = ['x-amz-signature', 'x-amz-credential', 'x-amz-algorithm'];

/**
 * Whether a request authenticates by its query (`X-Amz-Signature`) rather than by its Authorization header.
 * @throws ApiError MissingAuthenticationTokenException without either, InvalidSignatureException with both.
 */
export function isPresigned(headers: SentValues, parameters: SentValues): boolean {
  const byHeader = headers.has('authorization');
  const byQuery = QUERY_MARKS.some((name) => parameters.has(name));
  if (byHeader && byQuery) {
    throw refusal('Only one form of authentication may be used: the Authorization header or the query.');
  }
  if (byHeader || byQuery) return byQuery;
  throw new ApiError('MissingAuthenticationTokenException', 'Missing Authentication Token');
}

/** @throws ApiError InvalidSignatureException for a missing parameter, or another algorithm. */
export function proofOfQuery(parameters: SentValues): Proof {
  requireAlgorithm(requireParameter(parameters, 'X-Amz-Algorithm'));
  return {
    credential: requireParameter(parameters, 'X-Amz-Credential'),
    signedHeaders: requireParameter(parameters, 'X-Amz-SignedHeaders'),
    signature: requireParameter(parameters, 'X-Amz-Signature'),
  };
}

/**
 * Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`, with or without blanks at the commas.
 * @throws ApiError InvalidSignatureException for anything else.
 */
export function proofOfHeader(authorization: string): Proof {
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

/**
 * Reads `{access key id}/{date}/{region}/glacier/aws4_request`. Any region that can be a name is taken.
 * @throws ApiError InvalidSignatureException for anything else; the date is not checked.
 */
export function parseCredential(text: string): CredentialScope {
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

/** @returns lower-case header names, ascending. @throws ApiError InvalidSignatureException for any other list. */
export function parseSignedHeaders(text: string): string[] {
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

/** @returns the signature, 64 lower-case hex digits. @throws ApiError InvalidSignatureException. */
export function requireSignatureForm(signature: string): string {
  if (/^[0-9a-f]{64}$/.test(signature)) return signature;
  throw refusal(`Signature must be 64 lower-case hexadecimal digits, got '${quote(signature)}'.`);
}
