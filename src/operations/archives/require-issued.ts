import { archiveNotFound, archiveOfAnotherVault } from '../../domain/archive.ts';
import type { Vault } from '../../domain/vault.ts';
import type { OperationDeps } from '../operation.ts';

/**
 * Returns if an archive of this id was in the vault: one that has been deleted, if it is not there now. An id of this
 * server proves itself; ids that imports gave are in the catalog.
 * @throws Refusal not-found for an id that the vault never had, invalid for one that this server made for another vault.
 */
export async function requireIssued(
  id: string,
  vault: Vault,
  { catalog, ids }: Pick<OperationDeps, 'catalog' | 'ids'>,
): Promise<void> {
  const verdict = ids.classifyArchiveId(id, vault);
  if (verdict === 'of-this-vault') return;
  if (verdict === 'of-another-vault') throw archiveOfAnotherVault(vault);
  const imported = await catalog.findImportedId(id);
  if (imported === undefined || imported.isClaimed || imported.vaultNo !== vault.no)
    throw archiveNotFound(id);
}
