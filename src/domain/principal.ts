import { Refusal } from './errors.ts';

/**
 * The account that a path names; `-` is the signer's own.
 * @param own the signer's account, 12 digits.
 * @throws Refusal unknown-account for anything but 12 digits (smoke tests of AWS's SDKs name the text), denied for
 *   another account where only the owner may use the operation.
 */
export function resolveAccount(segment: string, own: string, reach: 'own-only' | 'may-be-other'): string {
  if (segment === '-' || segment === own) return own;
  if (!/^\d{12}$/.test(segment)) {
    throw new Refusal('unknown-account', 'No account found for the given parameters');
  }
  if (reach === 'own-only') {
    throw new Refusal('denied', `Access denied for account ID: ${segment}`);
  }
  return segment;
}
