import type { BlobStore } from '../../domain/blob-store.ts';
import { formerLockNoteName, lockNoteName } from '../../domain/lock-note.ts';
import { isVaultName, policyVersionOf, type VaultKey, vaultNotFound } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const deleteVault = operation({
  name: 'DeleteVault',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}',
  account: 'may-be-other',
  vault: 'may-be-missing',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Deleting a vault that does not exist succeeds: a client may repeat a request whose reply was lost.
  async run({ vaultKey, authorized }, { catalog, blobs, clock, settings }) {
    if (!isVaultName(vaultKey.name)) throw vaultNotFound(vaultKey);
    const deleted = await catalog.deleteVault({
      key: vaultKey,
      authorized: authorized && { no: authorized.no, policyVersion: policyVersionOf(authorized) },
      nowMs: clock.now(),
      mode: settings.inventoryMode,
    });
    if (deleted && authorized) await removeLockNotes(blobs, vaultKey, authorized.createdMs);
    return {};
  },
});

/**
 * Removes the notes of a deleted vault's lock, if there are any. A new vault of the same name has a note of another name,
 * so this may take its time.
 */
async function removeLockNotes(blobs: BlobStore, vault: VaultKey, vaultCreatedMs: number): Promise<void> {
  await blobs.removeNote(lockNoteName({ vault, vaultCreatedMs }));
  await blobs.removeNote(formerLockNoteName(vault));
}
