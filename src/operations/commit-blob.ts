import type { BlobStore } from '../domain/blob-store.ts';
import { Refusal, Shortage } from '../domain/errors.ts';

/**
 * Adds the row that names a stored blob, then confirms the blob. Removes the blob if no row was made: bytes come before
 * rows (invariant 1), so nothing would name it.
 * @throws what `addRow` throws.
 */
export async function commitBlob(blobs: BlobStore, ref: string, addRow: () => Promise<void>): Promise<void> {
  try {
    await addRow();
    blobs.confirm(ref);
  } catch (error) {
    // A blob that cannot be removed stays unconfirmed until the next start. The client needs the first error.
    if (isWithoutRow(error)) await blobs.remove(ref).catch(() => {});
    throw error;
  }
}

/**
 * Whether an error proves that no row was made: a refusal, or a shortage that changed nothing. After any other failure
 * the row may exist, so the blob stays unconfirmed and the next start asks the catalog.
 */
function isWithoutRow(error: unknown): boolean {
  return error instanceof Refusal || (error instanceof Shortage && error.changedNothing);
}
