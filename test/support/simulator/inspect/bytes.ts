/** Compares the bytes of stored archives with what was uploaded. */
import { BlobDamaged, type BlobDescription, type BlobStore } from '../../../../src/domain/blob-store.ts';
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

/**
 * Requires that the store has the bytes of these archives, whatever the catalog names.
 * @throws Violation.
 */
export async function requireKept(archives: readonly ArchiveModel[], blobs: BlobStore): Promise<void> {
  const refs = new Map<string, string[]>();
  for await (const ref of blobs.list()) {
    const description = await describeWhole(blobs, ref);
    if (description === undefined) continue;
    const { label, treeHash } = description;
    const name = `${label.archiveId} ${label.offset} ${treeHash}`;
    refs.set(name, [...(refs.get(name) ?? []), ref]);
  }
  for (const archive of archives) {
    let at = 0;
    const own = archive.contents.map(({ bytes, treeHash }) => {
      const found = refs.get(`${archive.id} ${at} ${treeHash}`)?.[0] ?? '';
      at += bytes.length;
      return found;
    });
    await requireArchive(archive, own, blobs);
  }
}

/** Undefined for a blob that a crash tore. */
export async function describeWhole(blobs: BlobStore, ref: string): Promise<BlobDescription | undefined> {
  try {
    return await blobs.describe(ref);
  } catch (error) {
    if (error instanceof BlobDamaged) return undefined;
    throw error;
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
