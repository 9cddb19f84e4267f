import { createHash, type Hash } from 'node:crypto';
import { DIGEST_BYTES, foldDigests, LEAF_BYTES } from './fold.ts';

/** The hashes of all data. */
export interface TreeDigest {
  /** Root of the tree, 32 bytes. */
  readonly treeHash: Uint8Array;
  /** SHA-256 of each MiB in order, n × 32 bytes, n ≥ 1. */
  readonly leaves: Uint8Array;
}

/**
 * Computes the tree hash of data that arrives in chunks of any size. Keeps 32 bytes for each MiB (128 KiB for a part of
 * 4 GiB), because the leaves are stored with the data, for ranged hashes and scrubbing.
 */
export class TreeHasher {
  #leaves: Uint8Array[] = [];
  #leaf: Hash | undefined;
  #inLeaf = 0;

  /** Takes the next bytes; the caller may reuse the chunk. */
  update(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      const take = Math.min(LEAF_BYTES - this.#inLeaf, chunk.length - at);
      this.#leaf ??= createHash('sha256');
      this.#leaf.update(take === chunk.length ? chunk : chunk.subarray(at, at + take));
      this.#inLeaf += take;
      at += take;
      if (this.#inLeaf === LEAF_BYTES) this.#endLeaf();
    }
  }

  /** Ends the data. The hasher cannot be used afterwards. */
  digest(): TreeDigest {
    if (this.#inLeaf > 0 || this.#leaves.length === 0) this.#endLeaf();
    const leaves = new Uint8Array(this.#leaves.length * DIGEST_BYTES);
    this.#leaves.forEach((digest, i) => {
      leaves.set(digest, i * DIGEST_BYTES);
    });
    return { treeHash: foldDigests(leaves), leaves };
  }

  #endLeaf(): void {
    this.#leaves.push((this.#leaf ?? createHash('sha256')).digest());
    this.#leaf = undefined;
    this.#inLeaf = 0;
  }
}

/** Tree hash of bytes in memory, 64 lower-case hex digits. */
export function treeHash(bytes: Uint8Array): string {
  const hasher = new TreeHasher();
  hasher.update(bytes);
  return Buffer.from(hasher.digest().treeHash).toString('hex');
}
