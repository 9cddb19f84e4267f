import { lockNoteName } from '../../domain/lock-note.ts';
import { isVaultName, vaultNotFound } from '../../domain/vault.ts';
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
  // Deleting a vault that is not there succeeds: a client that repeats a lost answer must not fail.
  async run({ vaultKey }, { catalog, blobs, clock, settings }) {
    if (!isVaultName(vaultKey.name)) throw vaultNotFound(vaultKey);
    const deleted = await catalog.deleteVault({
      key: vaultKey,
      nowMs: clock.now(),
      mode: settings.inventoryMode,
    });
    // Its lock goes with it; the note of a vault that was never locked is not there.
    if (deleted) await blobs.removeNote(lockNoteName(vaultKey));
    return { status: 204 };
  },
});
