import { encodeLockNote, lockNoteName } from '../../domain/lock-note.ts';
import { operation } from '../operation.ts';
import { hashLockId } from './lock-id.ts';

export const completeVaultLock = operation({
  name: 'CompleteVaultLock',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/lock-policy/{lockId}',
  account: 'own-only',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run({ vaultKey, vault, id }, { catalog, blobs, clock }) {
    const lockIdHash = hashLockId(id);
    const lock = await catalog.completeVaultLock({ vaultNo: vault.no, lockIdHash, nowMs: clock.now() });
    const locked = { vault: vaultKey, vaultCreatedMs: vault.createdMs, lock };
    await blobs.putNote(lockNoteName(locked), encodeLockNote(locked));
    // The vault may have been deleted meanwhile, perhaps before there was a note to remove.
    if ((await catalog.findVault(vaultKey))?.no !== vault.no) await blobs.removeNote(lockNoteName(locked));
    return {};
  },
});
