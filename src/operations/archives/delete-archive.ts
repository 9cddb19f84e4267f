import { archiveNotFound, archiveOfAnotherVault } from '../../domain/archive.ts';
import { operation } from '../operation.ts';

export const deleteArchive = operation({
  name: 'DeleteArchive',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/archives/{archiveId}',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Deleting an archive that was deleted before succeeds; an id that was never issued is a 404.
  async run({ vaultKey, vault, id }, { catalog, clock, ids, settings }) {
    if (await catalog.findArchive(vault.no, id)) {
      const mode = settings.inventoryMode;
      const policyVersion = vault.policies?.version ?? 0;
      await catalog.deleteArchive({ vaultNo: vault.no, id, nowMs: clock.now(), mode, policyVersion });
      return { status: 204 };
    }
    const verdict = ids.judgeArchiveId(id, vaultKey);
    if (verdict === 'of-another-vault') throw archiveOfAnotherVault(vaultKey);
    if (verdict === 'not-ours') throw archiveNotFound(id);
    return { status: 204 };
  },
});
