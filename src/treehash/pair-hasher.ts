import { createHash, type Hash } from 'node:crypto';
import { LEAF_BYTES } from './fold.ts';
import { TreeHasher } from './tree-hasher.ts';

/** Both hashes of some data. */
export interface PairDigest {
  readonly size: number;
  /** 64 lower-case hex digits each. */
  readonly treeHash: string;
  readonly linearHash: string;
  /** SHA-256 of each MiB, n × 32 bytes. */
  readonly leaves: Uint8Array;
}

/** Computes the linear and the tree hash of data that arrives in chunks: the API demands both of every upload. */
export class PairHasher {
  readonly #tree = new TreeHasher();
  readonly #linear: Hash | undefined;
  #size = 0;

  /** @param expected bytes to come, if known. For up to one leaf both hashes are the same, so only one is computed. */
  constructor(expected?: number) {
    this.#linear = expected !== undefined && expected <= LEAF_BYTES ? undefined : createHash('sha256');
  }

  /** Takes the next bytes; the caller may reuse the chunk. */
  update(chunk: Uint8Array): void {
    this.#size += chunk.length;
    this.#tree.update(chunk);
    this.#linear?.update(chunk);
  }

  /** Ends the data. Call once. */
  digest(): PairDigest {
    const { treeHash: root, leaves } = this.#tree.digest();
    const treeHash = Buffer.from(root).toString('hex');
    return { size: this.#size, treeHash, leaves, linearHash: this.#linear?.digest('hex') ?? treeHash };
  }
}
