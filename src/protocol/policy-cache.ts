import { type Policy, type PolicyKind, parsePolicy } from '../domain/policy/policy.ts';

const POLICIES_KEPT = 500;

/** Parsed policies, kept by their text: the same few are asked at every request. */
export class PolicyCache {
  readonly #kept = new Map<string, Policy>();

  /**
   * The policy of a text that was checked when it was set.
   * @throws PolicyError when it no longer is one: the request fails, and nothing is allowed by mistake.
   */
  get(text: string, kind: PolicyKind, vaultArn?: string): Policy {
    const name = `${kind}\n${vaultArn ?? ''}\n${text}`;
    const kept = this.#kept.get(name);
    if (kept) return kept;
    const policy = parsePolicy(text, kind, vaultArn === undefined ? {} : { vaultArn });
    if (this.#kept.size >= POLICIES_KEPT) this.#kept.clear();
    this.#kept.set(name, policy);
    return policy;
  }
}
