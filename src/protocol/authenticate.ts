import { createHash } from 'node:crypto';
import type { Caller } from '../domain/policy/caller.ts';
import type { Policy } from '../domain/policy/policy.ts';
import { EMPTY_HASH } from '../treehash/index.ts';
import { payloadMismatch } from './checked-body.ts';
import { JsonBody } from './json-body.ts';
import type { Message } from './message.ts';
import type { Route } from './route.ts';
import type { SigningKeys } from './signature/keys.ts';
import { type Authentication, parseAuthentication } from './signature/parse.ts';
import { refusal } from './signature/refusal.ts';
import { verifySignature } from './signature/verify.ts';
import { announcesBody, readSmallBody, requireSmallBody } from './small-body.ts';
import type { BodyAccount, UnprovenBodies } from './unproven-bodies.ts';
import { refuseUnsignable } from './unsignable.ts';
import { ApiError } from './wire-error.ts';

/** What a server knows of an access key. */
export interface Credential {
  readonly caller: Caller;
  /** Policies of the caller's user; root has none. */
  readonly identity: readonly Policy[];
  /** Null for an unknown key that the emulator accepts: its signature cannot be checked. */
  readonly secret: string | null;
  /** Set for temporary credentials; ms since the epoch. */
  readonly session?: { readonly issuedMs: number; readonly expiresMs: number };
}

/**
 * Finds the credential of an access key, and of its session token where one was sent. Undefined for an unknown or
 * disabled key, and for a token of another key.
 */
export type FindCredential = (
  accessKeyId: string,
  sessionToken: string | undefined,
) => Promise<Credential | undefined>;

/** The request's sender, and what is known of its body so far. */
export interface Authenticated {
  readonly credential: Credential;
  readonly accessKeyId: string;
  /** Of the credential's scope. */
  readonly region: string;
  /**
   * The payload hash that the signature covers, 64 lower-case hex digits. For an upload it is the declared hash, not
   * compared with the body yet.
   */
  readonly payloadHash: string;
  /** The body of an operation that reads JSON. */
  readonly json: JsonBody;
}

export interface AuthenticationDeps {
  readonly find: FindCredential;
  readonly keys: SigningKeys;
  readonly idleMs: number;
  /** Bounds the bodies that are read before their signature is checked. */
  readonly unproven: UnprovenBodies;
}

/**
 * Authenticates a request. An upload must declare its payload hash, so its signature is checked before its body is read.
 * Other bodies are small and are read first where they declare no hash.
 * @param nowMs when the request's head had arrived: the clock window is checked at that time.
 * @throws 400 and 403 of the front end; if the signature is wrong and a value is one that clients cannot sign reliably,
 *   the operation's error for that value.
 */
export async function authenticate(
  message: Message,
  route: Route,
  { find, keys, idleMs, unproven }: AuthenticationDeps,
  nowMs: number,
): Promise<Authenticated> {
  const upload = route.operation.body === 'upload';
  const authentication = parseAuthentication(message, nowMs);
  requireSignedFields(message, route, authentication.signedHeaders);
  const credential = await find(authentication.accessKeyId, authentication.sessionToken);
  if (!credential) throw unrecognized();

  const declared = authentication.declaredPayloadHash;
  if (upload && declared === undefined) throw missingPayloadHash();
  const early = declared === undefined ? await readBody(message, idleMs, unproven.open()) : undefined;
  const payloadHash = declared ?? hashOf(early ?? Buffer.alloc(0));
  if (credential.secret !== null) {
    try {
      verifySignature(authentication, credential.secret, payloadHash, keys);
    } catch (error) {
      refuseUnsignable(message, route);
      throw error;
    }
    requireSession(authentication, credential, nowMs);
  }

  const smallBody = early ?? (upload ? Buffer.alloc(0) : await readBody(message, idleMs));
  if (!upload && early === undefined) requireHash(smallBody, payloadHash.toLowerCase());
  const { accessKeyId, region } = authentication;
  const json = route.operation.body === 'json' ? new JsonBody(smallBody) : JsonBody.NONE;
  return { credential, accessKeyId, region, payloadHash: payloadHash.toLowerCase(), json };
}

/** @throws 403 for a header of the operation that must be signed and is not. */
function requireSignedFields(message: Message, { operation }: Route, signedHeaders: readonly string[]): void {
  for (const { name, mustBeSigned } of Object.values(operation.fields)) {
    if (!mustBeSigned || message.header(name) === undefined || signedHeaders.includes(name)) continue;
    throw refusal(`'${name}' must be a 'SignedHeader' in the AWS Authorization.`);
  }
}

async function readBody(message: Message, idleMs: number, place?: BodyAccount): Promise<Buffer> {
  if (!announcesBody(message.incoming)) return Buffer.alloc(0);
  requireSmallBody(message.incoming);
  message.sendContinue();
  return readSmallBody(message.incoming, idleMs, place);
}

function requireHash(body: Buffer, declared: string): void {
  const computed = hashOf(body);
  if (computed !== declared) throw payloadMismatch(computed, declared);
}

function hashOf(body: Buffer): string {
  return body.length === 0 ? EMPTY_HASH : createHash('sha256').update(body).digest('hex');
}

function missingPayloadHash(): ApiError {
  return new ApiError('MissingParameterValueException', 'Required parameter missing: x-amz-content-sha256');
}

/** Long-term keys have no session token: a request with one is refused even if its signature is good. */
function requireSession({ sessionToken }: Authentication, { session }: Credential, nowMs: number): void {
  if (sessionToken !== undefined && session === undefined) throw unrecognized();
  if (session !== undefined && nowMs >= session.expiresMs) {
    throw new ApiError('ExpiredTokenException', 'The security token included in the request is expired');
  }
}

function unrecognized(): ApiError {
  return new ApiError(
    'UnrecognizedClientException',
    'The security token included in the request is invalid.',
  );
}
