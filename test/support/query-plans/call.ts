import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Vault } from '../../../src/domain/vault.ts';
import type { Customer } from '../catalog-contract/customer.ts';
import { VAULT_NO, vaultName } from './crowd.ts';

/** A call of a catalog method as requests, workers and commands make it, on the crowd. */
type Call = (customer: Customer) => Promise<unknown>;

/** Methods that may read whole tables: no request and no periodic work calls them. */
export type Unlimited = 'nextEventMs' | 'forgetVaults' | 'namesAnyBlob' | 'journalCatalog' | 'journalPeople';

/** One call list for each of these methods. */
export type CallsOf<Name extends keyof Catalog> = { readonly [One in Name]: Call };

/** Runs the calls one after the other. */
export async function each(...calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const call of calls) await call();
}

/** The vault that has most of the crowd's rows. */
export function mainVault(c: Customer): Promise<Vault> {
  return c.vault(vaultName(VAULT_NO));
}
