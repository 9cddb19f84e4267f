import { archiveNotFound, archiveOfAnotherVault } from '../../domain/archive.ts';
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import type { Vault } from '../../domain/vault.ts';
import type { OperationDeps } from '../operation.ts';

/** The archive. @throws 404 for an id that was never issued or is deleted, 400 for one of another vault. */
export async function requireArchive(
  id: string,
  vault: Vault,
  { catalog, ids }: Pick<OperationDeps, 'catalog' | 'ids'>,
): Promise<StoredArchive> {
  const archive = await catalog.findArchive(vault.no, id);
  if (archive) return archive;
  if (ids.classifyArchiveId(id, vault) === 'of-another-vault') throw archiveOfAnotherVault(vault);
  throw archiveNotFound(id);
}
