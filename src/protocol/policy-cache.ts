import { type Policy, type PolicyKind, parsePolicy } from '../domain/policy/policy.ts';

const POLICIES_KEPT = 500;

/** Parsed policies by their text: most requests need the same few. */
export class PolicyCache {
  readonly #kept = new Map<string, Policy>();

  /**
   * The policy of a text that was checked when it was set.
   * @throws PolicyError if it is not valid after all: the request then fails instead of being allowed by mistake.
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
