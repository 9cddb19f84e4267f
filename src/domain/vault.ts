import { invalidParameter, notFound } from './errors.ts';
import type { VaultLock } from './vault-lock.ts';

/** Identifies a vault. Names are unique within an account and region. */
export interface VaultKey {
  /** 12 digits. */
  readonly account: string;
  readonly region: string;
  readonly name: string;
}

/** Whose vaults: one account in one region. */
export type VaultOwner = Omit<VaultKey, 'name'>;

/** A vault's policies. */
export interface VaultPolicies {
  /** The vault access policy, as it was set. */
  readonly access: string | null;
  readonly lock: VaultLock | null;
  /** Grows with every change of a policy, the lock or the tags. */
  readonly version: number;
}

/** A vault's counts at a moment, which it shows where inventories are not live. */
export interface InventorySnapshot {
  readonly takenMs: number;
  readonly archives: number;
  readonly bytes: number;
}

/** A vault as every request needs it. */
export interface Vault extends VaultKey {
  /** The catalog's number. Never reused, so a later vault of the same name has another. */
  readonly no: number;
  readonly createdMs: number;
  /** Null when none was ever set. */
  readonly policies: VaultPolicies | null;
}

/** The version of a vault's policies and tags; 0 if it has none. */
export function policyVersionOf({ policies }: Pick<Vault, 'policies'>): number {
  return policies?.version ?? 0;
}

/** The vault that a request was authorized for. */
export interface AuthorizedVault extends Pick<Vault, 'no'> {
  readonly policyVersion: number;
}

/** For writes that may remove what policies or tags protect. */
export interface AuthorizedWrite {
  /**
   * The version that authorized the request. If the policies or tags changed meanwhile, the write is refused as
   * changed-meanwhile, and clients retry. Undefined if no request caused the write.
   */
  readonly policyVersion?: number;
}

/** A vault with its counts and its last inventory. */
export interface VaultState extends Vault {
  readonly archives: number;
  /** Sum of the archives' bytes, without overhead. */
  readonly bytes: number;
  /** Last upload, completion or deletion of an archive; null when nothing was ever written. */
  readonly writtenMs: number | null;
  /** The last inventory, where inventories are not live; null before the first. */
  readonly inventory: InventorySnapshot | null;
}

/** `live`: a vault shows its counts as of now; `periodic`: as of its last inventory, as on the service. */
export type InventoryMode = 'live' | 'periodic';

/** Vaults an account may have in a region (limits of the API). */
export const VAULTS_PER_ACCOUNT = 1000;

const NAME = /^[A-Za-z0-9_.-]{1,255}$/;

const REGION = /^[A-Za-z0-9._-]{1,64}$/;

/** Any name of 1..64 of `A-Z a-z 0-9 . _ -` is a region; case matters. */
export function isRegion(text: string): boolean {
  return REGION.test(text);
}

/** 1..255 of `A-Z a-z 0-9 _ - .`, but not `.` and `..`, because paths are normalized. */
export function isVaultName(name: string): boolean {
  return NAME.test(name) && name !== '.' && name !== '..';
}

/** The name, for CreateVault. @throws Refusal invalid when it is not one. */
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

/** The name after `:vaults/` in a vault's ARN; undefined if it is not of this account and region. */
export function vaultNameOfArn(arn: string, owner: VaultOwner): string | undefined {
  const prefix = vaultArn({ ...owner, name: '' });
  const name = arn.startsWith(prefix) ? arn.slice(prefix.length) : '';
  return isVaultName(name) ? name : undefined;
}

/** The refusal for a vault that does not exist. An invalid name is shown without an ARN (observed). */
export function vaultNotFound(key: VaultKey): Error {
  return notFound(`Vault not found for ARN: ${isVaultName(key.name) ? vaultArn(key) : key.name}`);
}

/**
 * DeleteVault's condition: no archives; and where inventories are not live, none in the last one and no write since (API
 * guide, "Delete Vault"). A vault that was never written to may always be deleted.
 * @throws Refusal invalid, with the service's text.
 */
export function requireDeletable(vault: VaultState, mode: InventoryMode): void {
  const { inventory, writtenMs, archives } = vault;
  const settled = writtenMs === null || (inventory?.archives === 0 && inventory.takenMs > writtenMs);
  if (archives === 0 && (mode === 'live' || settled)) return;
  throw invalidParameter(`Vault not empty or recently written to: ${vaultArn(vault)}`);
}

/**
 * InitiateJob's condition where inventories are not live: the vault must have one.
 * @throws Refusal not-found, with the observed text.
 */
export function requireInventory(vault: VaultState, mode: InventoryMode): void {
  if (mode === 'live' || vault.inventory !== null) return;
  throw notFound(
    `Inventory retrieval jobs for vault ${vaultArn(vault)} cannot be initiated yet, as Amazon Glacier has not yet generated an initial inventory for this vault.`,
  );
}
