import { type InventoryMode, type VaultState, vaultArn } from '../../domain/vault.ts';
import { toApiDate } from '../api-date.ts';

/** What the service adds to each archive in `SizeInBytes` (observed on three real vaults). */
const ARCHIVE_OVERHEAD_BYTES = 32_768;

/** A vault in the replies of DescribeVault and ListVaults: six members, in the service's order. */
export function describeVault(
  vault: VaultState,
  mode: InventoryMode,
): Record<string, string | number | null> {
  const { takenMs, archives, bytes } = shownState(vault, mode);
  return {
    CreationDate: toApiDate(vault.createdMs),
    LastInventoryDate: takenMs === null ? null : toApiDate(takenMs),
    NumberOfArchives: archives,
    SizeInBytes: bytes + archives * ARCHIVE_OVERHEAD_BYTES,
    VaultARN: vaultArn(vault),
    VaultName: vault.name,
  };
}

/** Before the first inventory the service shows zeros and no date (observed). */
function shownState(vault: VaultState, mode: InventoryMode) {
  if (mode === 'live') return { takenMs: vault.writtenMs, archives: vault.archives, bytes: vault.bytes };
  return vault.inventory ?? { takenMs: null, archives: 0, bytes: 0 };
}
