/** Signing keys of Signature Version 4, derived from a secret access key. */
import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** Derived signing keys, so that a key in use costs one HMAC instead of five. */
export interface SigningKeys {
  /** The key of Signature Version 4 for service `glacier`. `date` is `YYYYMMDD`. Never throws. */
  derive(secretKey: string, date: string, region: string): KeyObject;
}

export const SERVICE = 'glacier';

export const TERMINATOR = 'aws4_request';

const SIGNING_KEYS_KEPT = 512;

/**
 * Creates a cache of derived keys that drops the least recently used beyond `capacity`. It holds secrets: never log or
 * serialize it.
 */
export function createSigningKeys(capacity = SIGNING_KEYS_KEPT): SigningKeys {
  const kept = new Map<string, KeyObject>();
  return {
    derive(secretKey, date, region) {
      // Neither a date nor a region contains a slash, so different triples have different names.
      const name = `${date}/${region}/${secretKey}`;
      const key = kept.get(name) ?? deriveKey(secretKey, date, region);
      // A Map keeps insertion order: a used key moves to the end, and the first is the least recently used.
      kept.delete(name);
      kept.set(name, key);
      if (kept.size > capacity) kept.delete(kept.keys().next().value ?? '');
      return key;
    },
  };
}

function deriveKey(secretKey: string, date: string, region: string): KeyObject {
  let key: Buffer = Buffer.from(`AWS4${secretKey}`);
  for (const step of [date, region, SERVICE, TERMINATOR]) {
    key = createHmac('sha256', key).update(step).digest();
  }
  return createSecretKey(key);
}
