import { SignatureV4 } from '@smithy/signature-v4';
import { Sha256 } from './sha256.ts';

/** An access key. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials. */
  readonly sessionToken?: string | undefined;
  /** When temporary credentials end, ms since 1970. */
  readonly expiresMs?: number | undefined;
}

/** A request without its signature. */
export interface Unsigned {
  readonly method: string;
  /** As sent: every segment is encoded once. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Includes `host` and `x-amz-content-sha256`. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs a request with Signature Version 4 for the service `glacier`; returns the headers to send. */
export async function sign(
  { method, path, query, headers }: Unsigned,
  credentials: Credentials,
  region: string,
  nowMs: number,
): Promise<Record<string, string>> {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const identity = { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) };
  const signer = new SignatureV4({ service: 'glacier', region, credentials: identity, sha256: Sha256 });
  const request = { method, protocol: '', hostname: '', path, query: { ...query }, headers: { ...headers } };
  const signed = await signer.sign(request, { signingDate: new Date(nowMs) });
  return signed.headers;
}
