import type { RandomBytes } from './ids.ts';
import type { SecretBox } from './secret-box.ts';

/** Temporary credentials. The sealed token holds everything, so they need no table. */
export interface SessionClaims {
  /** `ASIA…`. */
  readonly accessKeyId: string;
  readonly secret: string;
  readonly account: string;
  /** Null for the account's root. */
  readonly userNo: number | null;
  /** The key that it was issued under and ends with; null if it depends only on the user. */
  readonly parentKeyId: string | null;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

const NAME = 'session token';

/** The token for these claims. */
export function sealToken(box: SecretBox, claims: SessionClaims, random: RandomBytes): string {
  return box.seal(NAME, JSON.stringify(claims), random);
}

/** The claims of a token; undefined for any other text. */
export function openToken(box: SecretBox, token: string): SessionClaims | undefined {
  try {
    return JSON.parse(box.open(NAME, token)) as SessionClaims;
  } catch {
    return undefined;
  }
}
