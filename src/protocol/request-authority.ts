/** What operations ask about their request's permission, beyond the vault that its path names. */
import type { ArchiveRuling } from '../domain/policy/archive-ruling.ts';
import type { TaskRequest } from '../domain/task.ts';
import type { Vault, VaultKey } from '../domain/vault.ts';
import type { RequestAuthority } from '../operations/operation.ts';
import {
  type AuthorizationDeps,
  type AuthorizationRequest,
  authorizeRequest,
  ruleOnVault,
} from './authorize-request.ts';
import { ApiError } from './wire-error.ts';

/** The authority of a request that was signed. */
export function authorityOf(ask: AuthorizationRequest, deps: AuthorizationDeps): RequestAuthority {
  return new SignedAuthority(ask, deps);
}

class SignedAuthority implements RequestAuthority {
  readonly #ask: AuthorizationRequest;
  readonly #deps: AuthorizationDeps;

  constructor(ask: AuthorizationRequest, deps: AuthorizationDeps) {
    this.#ask = ask;
    this.#deps = deps;
  }

  get request(): TaskRequest {
    return { caller: this.#ask.caller, values: this.#ask.conditionValues() };
  }

  ruleOnArchives(vault: Vault): Promise<ArchiveRuling> {
    return ruleOnVault(this.#ask, vault, this.#deps);
  }

  async requireVault(vaultKey: VaultKey): Promise<void> {
    await authorizeRequest({ ...this.#ask, vaultKey }, this.#deps);
  }

  async allowsVault(vaultKey: VaultKey): Promise<boolean> {
    try {
      await this.requireVault(vaultKey);
      return true;
    } catch (error) {
      if (error instanceof ApiError && error.code === 'AccessDeniedException') return false;
      throw error;
    }
  }
}
