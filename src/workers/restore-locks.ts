import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import {
  decodeLockNote,
  encodeLockNote,
  formerLockNoteName,
  LOCK_NOTES,
  lockNoteName,
} from '../domain/lock-note.ts';
import { vaultArn } from '../domain/vault.ts';
import type { LockedVault } from '../domain/vault-policy-catalog.ts';

/** What a start found and restored, as ARNs of vaults, for the log. */
export interface LockFindings {
  /** Vaults whose locks the catalog had lost and that are locked again. */
  readonly restored: readonly string[];
  /** Locked vaults in the store's notes that the catalog does not have. */
  readonly unknown: readonly string[];
}

/**
 * Makes catalog and store agree on which vaults are locked: a lock that either of them has is in force.
 * @param older whether the catalog is older than the store.
 */
export async function restoreLocks(
  catalog: Catalog,
  blobs: BlobStore,
  older: boolean,
): Promise<LockFindings> {
  const findings = { restored: [] as string[], unknown: [] as string[] };
  const kept = new Set(await blobs.noteNames(LOCK_NOTES));
  const known = new Set<string>();
  for (const locked of await catalog.listLocked()) {
    const name = lockNoteName(locked);
    known.add(name);
    if (!kept.has(name)) await blobs.putNote(name, encodeLockNote(locked));
    // The note of an earlier version, replaced by the one of the new name.
    const former = formerLockNoteName(locked.vault);
    if (kept.delete(former)) await blobs.removeNote(former);
  }
  for (const name of kept) {
    const text = known.has(name) ? undefined : await blobs.note(name);
    if (text === undefined) continue;
    const locked = decodeLockNote(text);
    if (!older && (await isOfEarlierVault(catalog, locked))) {
      await blobs.removeNote(name);
      continue;
    }
    const done = await catalog.restoreVaultLock(locked);
    (done ? findings.restored : findings.unknown).push(vaultArn(locked.vault));
  }
  return findings;
}

/**
 * Whether a note is left of a deleted vault. A crash between deleting a vault and deleting its note leaves the note, which
 * must not lock a later vault of the same name. An older catalog cannot tell, so there the lock holds.
 */
async function isOfEarlierVault(catalog: Catalog, { vault, vaultCreatedMs }: LockedVault): Promise<boolean> {
  const found = await catalog.findVault(vault);
  return found !== undefined && found.createdMs > vaultCreatedMs;
}
