import { archiveNotFound, archiveOfAnotherVault } from '../../domain/archive.ts';
import { policyVersionOf } from '../../domain/vault.ts';
import { operation } from '../operation.ts';

export const deleteArchive = operation({
  name: 'DeleteArchive',
  method: 'DELETE',
  path: '/{accountId}/vaults/{vaultName}/archives/{archiveId}',
  account: 'may-be-other',
  vault: 'must-exist',
  archiveId: (id) => id,
  needsTrustedTime: true,
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // Deleting an archive that was deleted before succeeds; an id that was never issued is a 404.
  async run({ vaultKey, vault, id }, { catalog, clock, ids, settings }) {
    const mode = settings.inventoryMode;
    const policyVersion = policyVersionOf(vault);
    // Not asked first whether it is there: a write waits until the journal has the deletion of an earlier request.
    const of = { vaultNo: vault.no, id, nowMs: clock.now(), mode, policyVersion };
    if (await catalog.deleteArchive(of)) return {};
    const verdict = ids.classifyArchiveId(id, vaultKey);
    if (verdict === 'of-another-vault') throw archiveOfAnotherVault(vaultKey);
    if (verdict === 'not-ours') throw archiveNotFound(id);
    return {};
  },
});
