import { policyVersionOf } from '../../domain/vault.ts';
import { operation } from '../operation.ts';
import { requireIssued } from './require-issued.ts';

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
  // Deleting an archive again succeeds. An id that was never issued is a 404.
  async run({ vault, id }, { catalog, clock, ids, settings }) {
    const mode = settings.inventoryMode;
    const policyVersion = policyVersionOf(vault);
    // Writes without reading first: the write waits until an earlier deletion of this archive is in the journal.
    const of = { vaultNo: vault.no, id, nowMs: clock.now(), mode, policyVersion };
    if (await catalog.deleteArchive(of)) return {};
    await requireIssued(id, vault, { catalog, ids });
    return {};
  },
});
