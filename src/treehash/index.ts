/** SHA-256 tree hashes as the Glacier API defines them. Published as `moraine/tree-hash`. */
export { isMegabyteAligned, isTreeAligned, type Span } from './align.ts';
export { DIGEST_BYTES, EMPTY_HASH, foldDigests, hashPair, LEAF_BYTES, leafCount, sha256 } from './fold.ts';
export { type PairDigest, PairHasher } from './pair-hasher.ts';
export { type TreeDigest, TreeHasher, treeHash } from './tree-hasher.ts';
