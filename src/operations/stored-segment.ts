import type { BlobStore } from '../domain/blob-store.ts';
import { ApiError, Shortage } from '../domain/errors.ts';

/**
 * Keeps a stored blob only if the catalog took the row that names it: bytes come before rows (invariant 1),
 * so a refused row leaves a blob that nothing names.
 * @throws what `addRow` throws.
 */
export async function keepOnly(blobs: BlobStore, ref: string, addRow: () => Promise<void>): Promise<void> {
  try {
    await addRow();
    blobs.confirm(ref);
  } catch (error) {
    // A refusal of ours proves that no row was made. After any other failure, a shortage too, the row may exist: the
    // blob stays unconfirmed, and the next start asks the catalog.
    if (error instanceof ApiError && !(error instanceof Shortage)) await blobs.remove(ref);
    throw error;
  }
}
