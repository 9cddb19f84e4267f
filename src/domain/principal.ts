import { ApiError } from './errors.ts';

/**
 * The account that a path means: `-` is the signer's own.
 * @param own the signer's account, 12 digits.
 * @throws 403 for anything but 12 digits, and for another account where the operation is the owner's alone.
 */
export function resolveAccount(segment: string, own: string, reach: 'own-only' | 'may-be-other'): string {
  if (segment === '-' || segment === own) return own;
  if (reach === 'own-only' || !/^\d{12}$/.test(segment)) {
    throw new ApiError('AccessDeniedException', `Access denied for account ID: ${segment}`);
  }
  return segment;
}
