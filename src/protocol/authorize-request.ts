/** Step 5 of the pipeline: may this caller do this, here and now? */
import type { Catalog } from '../domain/catalog.ts';
import { ApiError, Shortage } from '../domain/errors.ts';
import { AGE_KEY, type GlacierAction, TAG_KEY_PREFIX } from '../domain/policy/actions.ts';
import { type AccessRequest, authorize, type PolicySet } from '../domain/policy/authorize.ts';
import type { Caller } from '../domain/policy/caller.ts';
import { denialText } from '../domain/policy/denial-text.ts';
import type { Policy } from '../domain/policy/policy.ts';
import { type ContextValue, type ContextValues, contextOnDemand } from '../domain/policy/request-context.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import { isVaultName, partition, type Vault, type VaultKey, vaultArn } from '../domain/vault.ts';
import { currentLock } from '../domain/vault-lock.ts';
import type { PolicyCache } from './policy-cache.ts';

const DAY_MS = 86_400_000;

/** Who asks for what, and the circumstances that conditions may name. */
export interface AuthorizationRequest {
  readonly caller: Caller;
  /** Of the caller's user; root has none. */
  readonly identity: readonly Policy[];
  readonly action: GlacierAction;
  readonly vaultKey: VaultKey;
  /** The archive that the request is about; undefined for most. */
  readonly archiveId: string | undefined;
  /** Facts of the request, for policies that ask for any; those of time are added here. */
  conditionValues(): ContextValues;
}

export interface AuthorizationDeps {
  readonly catalog: Pick<Catalog, 'findVault' | 'tagsOf' | 'findArchive'>;
  readonly trustedTime: TrustedTime;
  readonly policies: PolicyCache;
}

/**
 * Decides, and gives the vault that it read on the way (undefined if there is none, or the action has none).
 * @throws 403 with the service's text; Shortage for a deletion in a locked vault while the clock cannot be
 * trusted.
 */
export async function authorizeRequest(
  authorization: AuthorizationRequest,
  deps: AuthorizationDeps,
): Promise<Vault | undefined> {
  const { vaultKey } = authorization;
  const vault = isVaultName(vaultKey.name) ? await deps.catalog.findVault(vaultKey) : undefined;
  const policies = policiesOf(authorization, vault, deps);
  const request = await accessRequest(authorization, vault, policies, deps);
  const decision = authorize(request, policies);
  if (!decision.allowed) throw new ApiError('AccessDeniedException', denialText(request, decision));
  requireTrustedClock(authorization, vault, deps.trustedTime);
  return vault;
}

function policiesOf(
  { identity, vaultKey }: AuthorizationRequest,
  vault: Vault | undefined,
  deps: AuthorizationDeps,
): PolicySet {
  if (!vault?.policies) return { identity };
  const arn = vaultArn(vaultKey);
  const { access, lock } = vault.policies;
  const inForce = currentLock(lock, deps.trustedTime.nowMs());
  return {
    identity,
    vaultAccess: access === null ? undefined : deps.policies.get(access, 'vault-access', arn),
    vaultLock: inForce ? deps.policies.get(inForce.policy, 'vault-lock', arn) : undefined,
  };
}

async function accessRequest(
  authorization: AuthorizationRequest,
  vault: Vault | undefined,
  policies: PolicySet,
  deps: AuthorizationDeps,
): Promise<AccessRequest> {
  const { caller: principal, action, vaultKey } = authorization;
  const nowMs = deps.trustedTime.nowMs();
  const stored = vault ? await readStoredValues(authorization, vault, keysOf(policies), nowMs, deps) : {};
  return {
    principal,
    action,
    resource: resourceOf(action, vaultKey),
    resourceAccountId: vaultKey.account,
    context: contextOnDemand(() => ({ ...authorization.conditionValues(), ...timeValues(nowMs), ...stored })),
  };
}

function timeValues(nowMs: number): ContextValues {
  return {
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
  };
}

function keysOf({ identity, vaultAccess, vaultLock }: PolicySet): readonly string[] {
  return [...identity, vaultAccess, vaultLock].flatMap((policy) => policy?.contextKeys ?? []);
}

/** Tags and the archive's age are looked up only where a policy asks for them. */
async function readStoredValues(
  { archiveId }: AuthorizationRequest,
  vault: Vault,
  keys: readonly string[],
  nowMs: number,
  { catalog }: AuthorizationDeps,
): Promise<ContextValues> {
  const values: Record<string, ContextValue> = {};
  if (keys.some((key) => key.startsWith(TAG_KEY_PREFIX))) {
    for (const [key, value] of Object.entries(await catalog.tagsOf(vault.no)))
      values[`${TAG_KEY_PREFIX}${key}`] = value;
  }
  if (archiveId !== undefined && keys.includes(AGE_KEY)) {
    const archive = await catalog.findArchive(vault.no, archiveId);
    if (archive) values[AGE_KEY] = ((nowMs - archive.createdMs) / DAY_MS).toFixed(8);
  }
  return values;
}

/** Access control reference: account-level actions have resources of their own, or none. */
function resourceOf(action: GlacierAction, key: VaultKey): string {
  if (action === 'ListProvisionedCapacity' || action === 'PurchaseProvisionedCapacity') return '*';
  if (action === 'GetDataRetrievalPolicy' || action === 'SetDataRetrievalPolicy') {
    return `arn:${partition(key.region)}:glacier:${key.region}:${key.account}:policies/retrieval-limit-policy`;
  }
  return vaultArn(key);
}

/** While the wall clock is behind what was seen before, no age can be judged: nothing locked may go. */
function requireTrustedClock(
  { action }: AuthorizationRequest,
  vault: Vault | undefined,
  trustedTime: TrustedTime,
): void {
  if (action !== 'DeleteArchive' || vault?.policies?.lock?.state !== 'Locked' || trustedTime.canDelete())
    return;
  throw new Shortage(
    "The server's clock went back: nothing can be deleted from a locked vault until it is right again.",
    { changedNothing: true },
  );
}
