import type { BlobStore } from '../domain/blob-store.ts';
import { ApiError, Shortage } from '../domain/errors.ts';

/**
 * Keeps a stored blob only if the catalog took the row that names it: bytes come before rows (invariant 1),
 * so a refused row leaves a blob that nothing names.
 * @throws what `addRow` throws.
 */
export async function commitBlob(blobs: BlobStore, ref: string, addRow: () => Promise<void>): Promise<void> {
  try {
    await addRow();
    blobs.confirm(ref);
  } catch (error) {
    // What cannot be removed now is judged by the next start; the client needs the first error.
    if (isWithoutRow(error)) await blobs.remove(ref).catch(() => {});
    throw error;
  }
}

/**
 * A refusal proves that no row was made, and so does a shortage that says so. After any other failure the row may exist:
 * the blob stays unconfirmed, and the next start asks the catalog.
 */
function isWithoutRow(error: unknown): boolean {
  return error instanceof ApiError || (error instanceof Shortage && error.changedNothing);
}
