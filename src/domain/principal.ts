import { ApiError } from './errors.ts';
import { partition, type VaultKey, vaultArn } from './vault.ts';

/** Who signed a request. */
export interface Principal {
  readonly kind: 'root';
  /** 12 digits. */
  readonly account: string;
}

/** `arn:aws:iam::{account}:root`, in the partition of the region. */
export function principalArn({ account }: Principal, region: string): string {
  return `arn:${partition(region)}:iam::${account}:root`;
}

/**
 * The account that a path means: `-` is the signer's own.
 * @throws 403 for anything but 12 digits, and for another account where the operation is the owner's alone.
 */
export function resolveAccount(
  segment: string,
  principal: Principal,
  reach: 'own-only' | 'may-be-other',
): string {
  if (segment === '-' || segment === principal.account) return principal.account;
  if (reach === 'own-only' || !/^\d{12}$/.test(segment)) {
    throw new ApiError('AccessDeniedException', `Access denied for account ID: ${segment}`);
  }
  return segment;
}

/**
 * Whether the principal may do this. Root may do everything in its own account; nothing lets it into another.
 * @throws 403 with the service's text.
 */
export function authorize(principal: Principal, action: string, resource: VaultKey): void {
  if (principal.account === resource.account) return;
  const who = principalArn(principal, resource.region);
  throw new ApiError(
    'AccessDeniedException',
    `User: ${who} is not authorized to perform: glacier:${action} on resource: ${vaultArn(resource)} because no resource-based policy allows the glacier:${action} action`,
  );
}
