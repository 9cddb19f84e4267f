import { ApiError } from './errors.ts';

/**
 * The account that a path names; `-` is the signer's own.
 * @param own the signer's account, 12 digits.
 * @throws 400 for anything but 12 digits (smoke tests of AWS's SDKs name code and text), 403 for another account
 *   where only the owner may use the operation.
 */
export function resolveAccount(segment: string, own: string, reach: 'own-only' | 'may-be-other'): string {
  if (segment === '-' || segment === own) return own;
  if (!/^\d{12}$/.test(segment)) {
    throw new ApiError('UnrecognizedClientException', 'No account found for the given parameters');
  }
  if (reach === 'own-only') {
    throw new ApiError('AccessDeniedException', `Access denied for account ID: ${segment}`);
  }
  return segment;
}
