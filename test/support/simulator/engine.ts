/** Hash engines of simulations. */
import type { HashEngine } from '../../../src/hashing/hash-engine.ts';
import { nodeHash } from '../../../src/hashing/node-hash.ts';
import { DIGEST_BYTES, leafCount } from '../../../src/treehash/index.ts';

/** Hashes on this thread, and has memory for writing past the page cache. */
export const SIMULATED_HASH: HashEngine = {
  ...nodeHash,
  pairLeavesAtOnce: 16,
  alignedBuffer: (bytes) => Buffer.allocUnsafeSlow(bytes),
};

/** Hashes nothing: for a reader that compares the bytes themselves. */
export const NO_HASH: HashEngine = {
  ...nodeHash,
  hashLeavesSync: (bytes) => Buffer.alloc(leafCount(bytes.length) * DIGEST_BYTES),
};
