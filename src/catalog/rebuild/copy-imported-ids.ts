/** Copies the ids that no new archive may get from the scratch to the new catalog. */
import type { Scratch } from './scratch.ts';
import type { RebuildTarget } from './target.ts';

const IDS = `
  select f.key, coalesce(v.no, 0) as vault_no from foreign_ids f
  left join vaults v on v.account = f.account and v.region = f.region and v.name = f.vault`;

export async function copyImportedIds(scratch: Scratch, target: RebuildTarget): Promise<void> {
  await target.insert('imported_ids', scratch.rows(IDS) as Iterable<{ key: Uint8Array; vault_no: number }>);
}
