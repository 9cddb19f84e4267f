import { BlobDamaged, type BlobDescription } from '../../domain/blob-store.ts';
import type { HashEngine } from '../../hashing/hash-engine.ts';
import { decodeFooter, decodeTrailer, FOOTER_BYTES } from '../blob/format.ts';

/** From this size on, hashing on the thread pool costs less than blocking the main thread. */
const LONG_BYTES = 128 * 1024;

/** Whether a blob that was read whole is what was stored: its description and its data match their hashes. */
export async function isWhole(engine: HashEngine, ref: string, blob: Buffer): Promise<boolean> {
  const description = describeBytes(ref, blob);
  if (description === undefined) return false;
  const data = blob.subarray(0, description.size);
  const leaves = data.length >= LONG_BYTES ? await engine.hashLeaves(data) : engine.hashLeavesSync(data);
  return leaves.equals(description.leaves);
}

/** The description of a blob that was read whole; undefined if it is damaged. */
export function describeBytes(ref: string, blob: Buffer): BlobDescription | undefined {
  try {
    const layout = decodeFooter(ref, blob.subarray(-FOOTER_BYTES), blob.length);
    return decodeTrailer(ref, blob.subarray(-layout.trailerBytes), layout);
  } catch (error) {
    if (error instanceof BlobDamaged) return undefined;
    throw error;
  }
}
