import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApiError } from '../../domain/errors.ts';
import { stringToSign } from './canonical-request.ts';
import { signatureEvidence } from './evidence.ts';
import type { SigningKeys } from './keys.ts';
import type { Authentication } from './parse.ts';

const MISMATCH =
  'The request signature we calculated does not match the signature you provided. Check your AWS Secret ' +
  'Access Key and signing method. Consult the service documentation for details.';

/**
 * Checks the signature with the secret of `authentication.accessKeyId`, in constant time. `payloadHash` is
 * the claimed hash as sent, or without one the SHA-256 of the body in lower-case hex.
 *
 * @throws ApiError InvalidSignatureException if anything signed, or the secret, is not what the client used; its
 *   evidence shows what was judged.
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

/** Takes as long wherever two texts of one length differ. */
function isSame(given: string, expected: string): boolean {
  return given.length === expected.length && timingSafeEqual(Buffer.from(given), Buffer.from(expected));
}
