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

/** What was found at a start, by the vaults' ARNs, for the log. */
export interface LockFindings {
  /** Vaults that the catalog had unlocked or never locked, and that are locked again. */
  readonly restored: readonly string[];
  /** Locked vaults of the store that the catalog does not know at all. */
  readonly unknown: readonly string[];
}

/**
 * Makes catalog and store agree on which vaults are locked: whatever either of them knows as locked is.
 * @param older whether the catalog lacks facts that the store has.
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
    // What an earlier version wrote: now there is one of the new name.
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
 * A crash between a vault's deletion and its note's leaves the note, and a vault of the same name that was made
 * since must not be locked by it. An older catalog cannot tell, so there the lock holds.
 */
async function isOfEarlierVault(catalog: Catalog, { vault, vaultCreatedMs }: LockedVault): Promise<boolean> {
  const found = await catalog.findVault(vault);
  return found !== undefined && found.createdMs > vaultCreatedMs;
}
