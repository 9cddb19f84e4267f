import type { RandomBytes } from '../domain/ids.ts';

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Makes an id of 20 characters: `AKIA` for a long-term key, `ASIA` for a temporary key, `AIDA` for a user. */
export function makeKeyId(prefix: 'AKIA' | 'ASIA' | 'AIDA', random: RandomBytes): string {
  return `${prefix}${[...random(16)].map((byte) => BASE32[byte % 32]).join('')}`;
}

/** Makes a secret access key of 40 characters. */
export function makeSecret(random: RandomBytes): string {
  return random(30).toString('base64');
}

/** Makes an account id of 12 digits. */
export function makeAccountId(random: RandomBytes): string {
  return String(Number(random(6).readUIntBE(0, 6) % 900_000_000_000) + 100_000_000_000);
}
