import type { Page, Paging } from './page.ts';
import type { AuthorizedVault, InventoryMode, Vault, VaultKey, VaultOwner, VaultState } from './vault.ts';

/** Which vaults a command looks up. */
export interface VaultKeyFilter {
  /** Null for every name. */
  readonly name: string | null;
  readonly limit: number;
}

export interface VaultReads {
  findVault(key: VaultKey): Promise<Vault | undefined>;
  /** Like `findVault`, with the counts, which take longer to read. */
  findVaultState(key: VaultKey): Promise<VaultState | undefined>;
  /** Vaults of all accounts and regions, by name, account and region. */
  listVaultKeys(filter: VaultKeyFilter): Promise<readonly VaultKey[]>;
  /** Whether the catalog holds any vault. */
  hasVaults(): Promise<boolean>;
  /** By name, in ASCII order; `after` is a name. */
  listVaults(owner: VaultOwner, page: Paging<string>): Promise<Page<VaultState>>;
}

export interface CreateVaultArgs {
  readonly key: VaultKey;
  readonly nowMs: number;
  /** Vaults that an account may have in a region. */
  readonly limit: number;
}

export interface DeleteVaultArgs {
  readonly key: VaultKey;
  /** The vault that the deletion was authorized for; undefined if there was none. */
  readonly authorized: AuthorizedVault | undefined;
  readonly nowMs: number;
  readonly mode: InventoryMode;
}

type ForgetVaultsArgs = Readonly<Record<string, never>>;

export interface VaultWrites {
  /** Creates the vault unless it exists. @throws Refusal limit-reached beyond `limit` vaults. */
  createVault(args: CreateVaultArgs): Promise<void>;
  /**
   * Deletes an empty vault with its uploads and tags; false if there was none.
   * @throws Refusal invalid if not empty; changed-meanwhile if the name now means another vault, or its policies
   *   changed.
   */
  deleteVault(args: DeleteVaultArgs): Promise<boolean>;
  /** Deletes every vault and all that belongs to it; keys and settings stay. For the emulator. */
  forgetVaults(args: ForgetVaultsArgs): Promise<void>;
}
