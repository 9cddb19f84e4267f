import type { ArchiveRuling } from '../../domain/policy/archive-ruling.ts';
import type { Vault } from '../../domain/vault.ts';
import type { OperationDeps } from '../operation.ts';

/** How many archives of a vault are held now; null where each must be asked. */
export async function countHeld(
  { no: vaultNo }: Vault,
  { held }: ArchiveRuling,
  { catalog }: Pick<OperationDeps, 'catalog'>,
): Promise<number | null> {
  if (held === null) return null;
  let count = 0;
  for (const span of held) count += await catalog.countAging({ vaultNo, lastNo: null, span });
  return count;
}
