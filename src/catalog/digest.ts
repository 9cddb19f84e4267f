import { hash } from 'node:crypto';

const ID_KEY_BYTES = 16;

/** Digests are 64 hex digits outside the catalog and 32 bytes in its tables. */
export function toHex(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}

export function fromHex(digest: string): Uint8Array {
  return Buffer.from(digest, 'hex');
}

/** The key of an archive id where many ids are kept: the first half of its SHA-256. */
export function keyOfId(archiveId: string): Uint8Array {
  return hash('sha256', archiveId, 'buffer').subarray(0, ID_KEY_BYTES);
}
