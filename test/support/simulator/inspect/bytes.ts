/** Compares the bytes of stored archives with what was uploaded. */
import type { BlobStore } from '../../../../src/domain/blob-store.ts';
import type { ArchiveModel, Model } from '../model.ts';
import { Violation } from '../model.ts';
import type { Found } from './found.ts';

/** Requires the bytes of every archive that is there for certain. @throws Violation. */
export async function requireBytes(model: Model, found: Found, blobs: BlobStore): Promise<void> {
  for (const vault of model.vaults) {
    for (const archive of vault.archives) {
      const refs = found.vaults.get(vault.name)?.archives.get(archive.id)?.refs;
      if (refs && archive.isThere.must(true) && !archive.mayLackBytes)
        await requireArchive(archive, refs, blobs);
    }
  }
}

async function requireArchive(
  { contents, description }: ArchiveModel,
  refs: readonly string[],
  blobs: BlobStore,
): Promise<void> {
  try {
    for (const [i, { bytes }] of contents.entries()) {
      if (!(await holds(blobs, refs[i] ?? '', bytes))) throw new Error(`blob ${i} has other bytes`);
    }
  } catch (error) {
    throw new Violation(`the bytes of ${description} are not there: ${(error as Error).message}`);
  }
}

async function holds(blobs: BlobStore, ref: string, bytes: Buffer): Promise<boolean> {
  const blob = await blobs.open(ref);
  try {
    const { size, leaves } = blob.description;
    if (size !== bytes.length) return false;
    let at = 0;
    for await (const run of blob.leaves(0, leaves.length / 32 - 1)) {
      if (!bytes.subarray(at, at + run.bytes.length).equals(run.bytes)) return false;
      at += run.bytes.length;
    }
    return at === bytes.length;
  } finally {
    await blob.close();
  }
}
