import type { HashEngine } from '../../hashing/hash-engine.ts';
import { loadNativeHash } from '../../hashing/native-hash.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { foldDigests, LEAF_BYTES } from '../../treehash/index.ts';

let known: HashEngine | undefined;

/** The native hash where it is installed and this processor has SHA instructions; node:crypto otherwise. */
function engine(): HashEngine {
  known ??= loadNativeHash() ?? nodeHash;
  return known;
}

/** Bytes that are best read and hashed together. */
export function readSize(): number {
  return engine().pairLeavesAtOnce * LEAF_BYTES;
}

/** What an upload declares of its bytes, 64 hex digits each. */
export interface BothHashes {
  readonly contentHash: string;
  readonly treeHash: string;
}

/** Computes both hashes in one pass. Every chunk is hashed before the next is asked for, so its buffer may be reused. */
export async function bothHashes(
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  signal?: AbortSignal,
): Promise<BothHashes> {
  const hasher = engine().createPairHasher();
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    await hasher.update([chunk]);
  }
  const { linear, leaves } = hasher.digest();
  return { contentHash: linear.toString('hex'), treeHash: hexOf(foldDigests(leaves)) };
}

/** The tree hash above the tree hashes of equal parts of 2^n MiB, in order; the last may be shorter. */
export function foldHashes(treeHashes: readonly string[]): string {
  return hexOf(foldDigests(Buffer.from(treeHashes.join(''), 'hex')));
}

function hexOf(digest: Uint8Array): string {
  return Buffer.from(digest).toString('hex');
}
