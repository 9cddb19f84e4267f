import type { Catalog } from '../../../src/domain/catalog.ts';
import type { Vault } from '../../../src/domain/vault.ts';
import type { Customer } from '../catalog-contract/customer.ts';
import { VAULT_NO, vaultName } from './crowd.ts';

/** A method of the catalog as requests, workers and commands call it, over the crowd. */
type Call = (customer: Customer) => Promise<unknown>;

/** Calls of these methods, all of them. */
export type CallsOf<Name extends keyof Catalog> = { readonly [One in Name]: Call };

/** One after the other. */
export async function each(...calls: readonly (() => Promise<unknown>)[]): Promise<void> {
  for (const call of calls) await call();
}

/** The vault that has most of the crowd. */
export function mainVault(c: Customer): Promise<Vault> {
  return c.vault(vaultName(VAULT_NO));
}
