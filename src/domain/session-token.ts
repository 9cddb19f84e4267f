import type { RandomBytes } from './ids.ts';
import type { SecretBox } from './secret-box.ts';

/** Temporary credentials: everything is in the sealed token, so no table is needed. */
export interface SessionClaims {
  /** `ASIA…`. */
  readonly accessKeyId: string;
  readonly secret: string;
  readonly account: string;
  /** Null: of the account's root. */
  readonly userNo: number | null;
  /** The key that it was issued under and dies with; null if it hangs on the user alone. */
  readonly parentKeyId: string | null;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

const NAME = 'session token';

/** The token for these claims. */
export function sealToken(box: SecretBox, claims: SessionClaims, random: RandomBytes): string {
  return box.seal(NAME, JSON.stringify(claims), random);
}

/** The claims of a token, or undefined for any text that is none of ours. */
export function openToken(box: SecretBox, token: string): SessionClaims | undefined {
  try {
    return JSON.parse(box.open(NAME, token)) as SessionClaims;
  } catch {
    return undefined;
  }
}
