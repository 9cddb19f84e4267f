/** The byte pattern of the tree hash vectors: byte i is the exclusive or of the four bytes of i. */
export function patternBytes(length: number, from = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) {
    const n = from + i;
    bytes[i] = (n ^ (n >> 8) ^ (n >> 16) ^ (n >> 24)) & 0xff;
  }
  return bytes;
}

/** Compressible bytes for fixtures: 251 bytes of the pattern, repeated. */
export function repeatedBytes(length: number, from: number): Buffer {
  return Buffer.alloc(length, patternBytes(251, from));
}

export const MIB = 1024 * 1024;
