/** Step 5 of the pipeline: authorization. */
import type { Catalog } from '../domain/catalog.ts';
import { Shortage } from '../domain/errors.ts';
import { AGE_KEY, TAG_KEY_PREFIX } from '../domain/policy/actions.ts';
import { type ArchiveRuling, ageInDays, ruleOnArchives, sinceOf } from '../domain/policy/archive-ruling.ts';
import { type AccessRequest, authorize, type PolicySet } from '../domain/policy/authorize.ts';
import type { Caller } from '../domain/policy/caller.ts';
import { denialText } from '../domain/policy/denial-text.ts';
import { type Action, extensionNamed } from '../domain/policy/extension-actions.ts';
import type { Policy } from '../domain/policy/policy.ts';
import { type ContextValue, type ContextValues, contextOnDemand } from '../domain/policy/request-context.ts';
import type { TrustedTime } from '../domain/trusted-time.ts';
import { isVaultName, partition, type Vault, type VaultKey, vaultArn } from '../domain/vault.ts';
import { currentLock } from '../domain/vault-lock.ts';
import type { Operation } from '../operations/operation.ts';
import type { PolicyCache } from './policy-cache.ts';
import { ApiError } from './wire-error.ts';

/** The caller, the operation, and the values that conditions may name. */
export interface AuthorizationRequest {
  readonly caller: Caller;
  /** Policies of the caller's user; root has none. */
  readonly identity: readonly Policy[];
  readonly operation: Pick<Operation, 'name' | 'resource' | 'needsTrustedTime'>;
  /** An action that the request needs beside the operation's. */
  readonly alsoNeeds?: Action | undefined;
  readonly vaultKey: VaultKey;
  /** The archive that the request is about; undefined for most. */
  readonly archiveId: string | undefined;
  /** Values of the request, read only if a policy has conditions. Those of time are added here. */
  conditionValues(): ContextValues;
}

export interface AuthorizationDeps {
  readonly catalog: Pick<Catalog, 'findVault' | 'tagsOf' | 'findArchive'>;
  readonly trustedTime: TrustedTime;
  readonly policies: PolicyCache;
}

/**
 * Authorizes a request.
 * @returns the loaded vault; undefined if it does not exist, or the operation has no vault.
 * @throws 403 with the service's text; Shortage for a deletion in a locked vault while the clock is not trusted.
 */
export async function authorizeRequest(
  authorization: AuthorizationRequest,
  deps: AuthorizationDeps,
): Promise<Vault | undefined> {
  const { vaultKey } = authorization;
  const vault = isVaultName(vaultKey.name) ? await deps.catalog.findVault(vaultKey) : undefined;
  const policies = policiesOf(authorization, vault, deps);
  const request = await accessRequest(authorization, vault, policies, deps);
  requireAllowed(request, policies);
  const { alsoNeeds } = authorization;
  if (alsoNeeds !== undefined) requireAllowed({ ...request, action: alsoNeeds }, policies);
  requireTrustedClock(authorization, vault, deps.trustedTime);
  return vault;
}

/**
 * Rules on each archive of a vault that a request about many was authorized for. Is of use for a write only if the
 * vault's policies are still of the same version.
 */
export async function ruleOnVault(
  authorization: AuthorizationRequest,
  vault: Vault,
  deps: AuthorizationDeps,
): Promise<ArchiveRuling> {
  const nowMs = deps.trustedTime.nowMs();
  const policies = policiesOf(authorization, vault, deps);
  return ruleOnArchives(await accessRequest(authorization, vault, policies, deps), policies, nowMs);
}

/** @throws 403 with the service's text. */
function requireAllowed(request: AccessRequest, policies: PolicySet): void {
  const decision = authorize(request, policies);
  if (!decision.allowed) throw new ApiError('AccessDeniedException', denialText(request, decision));
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
  const { caller: principal, operation, vaultKey } = authorization;
  const nowMs = deps.trustedTime.nowMs();
  const stored = vault ? await readStoredValues(authorization, vault, keysOf(policies), nowMs, deps) : {};
  return {
    principal,
    action: operation.name,
    resource: resourceOf(operation, vaultKey),
    resourceAccountId: vaultKey.account,
    context: contextOnDemand(() => ({ ...authorization.conditionValues(), ...timeValues(nowMs), ...stored })),
    denyOnArchive: DENY_ON_ARCHIVE[extensionNamed(operation.name)?.archives ?? 'none'],
  };
}

/** What a Deny with a condition on the archive does, by the archives that the request is about. */
const DENY_ON_ARCHIVE = { one: undefined, none: undefined, listed: 'applies', each: 'waits' } as const;

function timeValues(nowMs: number): ContextValues {
  return {
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
  };
}

function keysOf({ identity, vaultAccess, vaultLock }: PolicySet): readonly string[] {
  return [...identity, vaultAccess, vaultLock].flatMap((policy) => policy?.contextKeys ?? []);
}

/** Loads tags and the archive's age, each only if a policy names it. */
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
    if (archive) {
      values[AGE_KEY] = ageInDays(sinceOf(archive), nowMs);
    }
  }
  return values;
}

/** The resource as policies name it (service authorization reference of Amazon S3 Glacier). */
function resourceOf({ resource }: Pick<Operation, 'resource'>, key: VaultKey): string {
  if (resource === 'any') return '*';
  if (resource === 'retrieval-policy')
    return `arn:${partition(key.region)}:glacier:${key.region}:${key.account}:policies/retrieval-limit-policy`;
  return vaultArn(key);
}

/** While the wall clock is behind the trusted time no age can be judged, so nothing locked is deleted. */
function requireTrustedClock(
  { operation }: AuthorizationRequest,
  vault: Vault | undefined,
  trustedTime: TrustedTime,
): void {
  if (!operation.needsTrustedTime || vault?.policies?.lock?.state !== 'Locked' || trustedTime.canDelete())
    return;
  throw new Shortage(
    "The server's clock went back: nothing can be deleted from a locked vault until it is right again.",
    { changedNothing: true },
  );
}
