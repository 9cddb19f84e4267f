import { toApiDate } from './clock.ts';
import { invalidParameter, notFound } from './errors.ts';
import type { VaultLock } from './vault-lock.ts';

/** What names a vault: names are unique within an account and region. */
export interface VaultKey {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** The policies that hang on a vault. */
export interface VaultPolicies {
  /** The vault access policy, as it was set. */
  readonly access: string | null;
  readonly lock: VaultLock | null;
  /** Grows with every change of a policy, the lock or the tags. */
  readonly version: number;
}

/** A vault's state as of a moment: what inventories and counts show where they are not live. */
export interface InventorySnapshot {
  readonly takenMs: number;
  readonly archives: number;
  readonly bytes: number;
}

/** A vault as every request needs it. */
export interface Vault extends VaultKey {
  /** The catalog's number: never used again, so a vault of the same name made later has another. */
  readonly no: number;
  readonly createdMs: number;
  /** Null when none was ever set. */
  readonly policies: VaultPolicies | null;
}

/** The version of a vault's policies and tags that a request was allowed by; 0 when it had none. */
export function policyVersionOf({ policies }: Pick<Vault, 'policies'>): number {
  return policies?.version ?? 0;
}

/** The vault that a request was allowed for. */
export interface AuthorizedVault extends Pick<Vault, 'no'> {
  readonly policyVersion: number;
}

/** For writes that may take away what policies or tags protect. */
export interface AuthorizedWrite {
  /**
   * What the request was allowed by: when the policies or tags changed meanwhile, the write is refused with 400
   * Throttling, which clients repeat. Without it, it is not a request that asks.
   */
  readonly policyVersion?: number;
}

/** A vault with its counts, and what was last seen in it. */
export interface VaultState extends Vault {
  readonly archives: number;
  /** Sum of the archives' bytes, without overhead. */
  readonly bytes: number;
  /** Last upload, completion or deletion of an archive; null when nothing was ever written. */
  readonly writtenMs: number | null;
  /** The last inventory, where inventories are not live; null before the first. */
  readonly inventory: InventorySnapshot | null;
}

/** `live`: what a vault shows of itself is as of now; `periodic`: as of its last inventory, as on the service. */
export type InventoryMode = 'live' | 'periodic';

/** Vaults an account may have in a region (limits of the API). */
export const VAULTS_PER_ACCOUNT = 1000;
/** What the service adds to each archive in `SizeInBytes` (observed on three real vaults). */
const ARCHIVE_OVERHEAD_BYTES = 32_768;

const NAME = /^[A-Za-z0-9_.-]{1,255}$/;

const REGION = /^[A-Za-z0-9._-]{1,64}$/;

/** Any name of 1..64 of `A-Z a-z 0-9 . _ -` is a region; case matters. */
export function isRegion(text: string): boolean {
  return REGION.test(text);
}

/** 1..255 of `A-Z a-z 0-9 _ - .`; `.` and `..` cannot be addressed, because paths are normalised. */
export function isVaultName(name: string): boolean {
  return NAME.test(name) && name !== '.' && name !== '..';
}

/** The name, for CreateVault. @throws 400 when it is not one. */
export function requireVaultName(name: string): string {
  if (isVaultName(name)) return name;
  throw invalidParameter(`Invalid vault name: ${name}`);
}

/** `arn:aws:glacier:{region}:{account}:vaults/{name}`, in the partition of the region. */
export function vaultArn({ account, region, name }: VaultKey): string {
  return `arn:${partition(region)}:glacier:${region}:${account}:vaults/${name}`;
}

/** AWS partition of a region, by its prefix. */
export function partition(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

/** The name after `:vaults/` in a vault's ARN, or undefined if `arn` is none of this account and region. */
export function vaultNameOfArn(arn: string, owner: Omit<VaultKey, 'name'>): string | undefined {
  const prefix = vaultArn({ ...owner, name: '' });
  const name = arn.startsWith(prefix) ? arn.slice(prefix.length) : '';
  return isVaultName(name) ? name : undefined;
}

/** 404 for any operation on a vault that is not there; a name that cannot be one is shown bare (observed). */
export function vaultNotFound(key: VaultKey): Error {
  return notFound(`Vault not found for ARN: ${isVaultName(key.name) ? vaultArn(key) : key.name}`);
}

/** The six fields of DescribeVault, in the service's order. */
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

/**
 * DeleteVault's condition: no archives; and where inventories are not live, none in the last one and no write
 * since (API guide, "Delete Vault"). A vault that was never written to can always go.
 * @throws 400 with the service's text.
 */
export function requireDeletable(vault: VaultState, mode: InventoryMode): void {
  const { inventory, writtenMs, archives } = vault;
  const settled = writtenMs === null || (inventory?.archives === 0 && inventory.takenMs > writtenMs);
  if (archives === 0 && (mode === 'live' || settled)) return;
  throw invalidParameter(`Vault not empty or recently written to: ${vaultArn(vault)}`);
}

/** InitiateJob's condition for inventories that are not live: there must be one. @throws 404 (observed text). */
export function requireInventory(vault: VaultState, mode: InventoryMode): void {
  if (mode === 'live' || vault.inventory !== null) return;
  throw notFound(
    `Inventory retrieval jobs for vault ${vaultArn(vault)} cannot be initiated yet, as Amazon Glacier has not yet generated an initial inventory for this vault.`,
  );
}
