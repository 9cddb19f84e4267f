/** Digests are 64 hex digits outside the catalog and 32 bytes in its tables. */
export function toHex(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}

export function fromHex(digest: string): Uint8Array {
  return Buffer.from(digest, 'hex');
}
