import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../wire-error.ts';
import { stringToSign } from './canonical-request.ts';
import { signatureEvidence } from './evidence.ts';
import type { SigningKeys } from './keys.ts';
import type { Authentication } from './parse.ts';

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret ' +
  'Access Key and signing method. Consult the service documentation for details.';

/**
 * Checks a signature, in constant time.
 * @param secretKey of `authentication.accessKeyId`.
 * @param payloadHash the declared hash as sent, or else the SHA-256 of the body in lower-case hex.
 * @throws ApiError InvalidSignatureException if the secret or anything signed differs from what the client used; its
 *   evidence shows what the server checked.
 */
export function verifySignature(
  authentication: Authentication,
  secretKey: string,
  payloadHash: string,
  keys: SigningKeys,
): void {
  const { date, region, timestamp, scope, canonicalHead } = authentication;
  const canonicalRequest = canonicalHead + payloadHash;
  const text = stringToSign(timestamp, scope, canonicalRequest);
  const expected = createHmac('sha256', keys.derive(secretKey, date, region))
    .update(text)
    .digest('hex');
  if (isSame(authentication.signature, expected)) return;
  const evidence = signatureEvidence(canonicalRequest, text);
  throw new ApiError('InvalidSignatureException', MISMATCH, { evidence });
}

/** Compares in time that depends on the length alone. */
function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
