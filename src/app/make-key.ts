import type { RandomBytes } from '../domain/ids.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A new access key id (`AKIA`: long-term, `ASIA`: temporary, `AIDA`: a user's id), 20 characters. */
export function makeKeyId(prefix: 'AKIA' | 'ASIA' | 'AIDA', random: RandomBytes): string {
  return `${prefix}${[...random(16)].map((byte) => BASE32[byte % 32]).join('')}`;
}

/** A new secret access key, 40 characters. */
export function makeSecret(random: RandomBytes): string {
  return random(30).toString('base64');
}

/** A new account id, 12 digits. */
export function makeAccountId(random: RandomBytes): string {
  return String(Number(random(6).readUIntBE(0, 6) % 900_000_000_000) + 100_000_000_000);
}
