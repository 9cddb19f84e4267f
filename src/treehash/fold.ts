import { createHash, hash } from 'node:crypto';

/** The tree hash cuts data in chunks of 1 MiB (API guide, "Computing checksums"). */
export const LEAF_BYTES = 1024 * 1024;
/** A SHA-256 digest. */
export const DIGEST_BYTES = 32;

/** SHA-256 of no bytes: the tree hash of no data. No archive is empty. */
export const EMPTY_HASH = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/** SHA-256 of `left` followed by `right`, 32 raw bytes: one inner node of the tree. */
export function hashPair(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(left).update(right).digest();
}

/** SHA-256 of `bytes`, 32 raw bytes. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return hash('sha256', bytes, 'buffer');
}

/** Number of leaves in `bytes` bytes of data; no data has one empty leaf. */
export function leafCount(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / LEAF_BYTES));
}

/**
 * Folds concatenated digests to the root of the tree above them. A last digest without a partner moves up unchanged.
 * The digests may be leaves, or the roots of equal parts of 2^n MiB (the last part may be shorter): a part's root is a
 * node of the whole tree, so both give the same root.
 * @param digests n × 32 bytes, n ≥ 1; not changed.
 * @throws RangeError when the length is zero or not a multiple of 32.
 */
export function foldDigests(digests: Uint8Array): Uint8Array {
  if (digests.length === 0 || digests.length % DIGEST_BYTES !== 0) {
    throw new RangeError(`digests must be n × ${DIGEST_BYTES} bytes, n ≥ 1, not ${digests.length}`);
  }
  let level = digests;
  while (level.length > DIGEST_BYTES) level = foldLevel(level);
  return Uint8Array.from(level);
}

function foldLevel(level: Uint8Array): Uint8Array {
  const pairs = Math.floor(level.length / (2 * DIGEST_BYTES));
  const odd = level.length % (2 * DIGEST_BYTES);
  const next = new Uint8Array(pairs * DIGEST_BYTES + odd);
  for (let i = 0; i < pairs; i++) {
    // Both digests of a pair are adjacent, so the 64 bytes are hashed in place.
    next.set(sha256(level.subarray(i * 64, i * 64 + 64)), i * DIGEST_BYTES);
  }
  if (odd > 0) next.set(level.subarray(-DIGEST_BYTES), pairs * DIGEST_BYTES);
  return next;
}
