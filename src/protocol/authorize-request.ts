/** Step 5 of the pipeline: may this caller do this, here and now? */
import type { Catalog } from '../domain/catalog.ts';
import { ApiError, Shortage } from '../domain/errors.ts';
import type { LockTime } from '../domain/lock-time.ts';
import { AGE_KEY, type GlacierAction, TAG_KEY_PREFIX } from '../domain/policy/actions.ts';
import { type AccessRequest, authorize, type PolicySet } from '../domain/policy/authorize.ts';
import type { Caller } from '../domain/policy/caller.ts';
import { denialText } from '../domain/policy/denial-text.ts';
import type { Policy } from '../domain/policy/policy.ts';
import { type ContextFacts, type ContextValue, contextOnDemand } from '../domain/policy/request-context.ts';
import { isVaultName, partition, type Vault, type VaultKey, vaultArn } from '../domain/vault.ts';
import { currentLock } from '../domain/vault-lock.ts';
import type { PolicyShelf } from './policy-shelf.ts';

const DAY_MS = 86_400_000;

/** Who asks for what, and the circumstances that conditions may name. */
export interface Ask {
  readonly caller: Caller;
  /** Of the caller's user; root has none. */
  readonly identity: readonly Policy[];
  readonly action: GlacierAction;
  readonly vaultKey: VaultKey;
  /** The archive that the request is about; undefined for most. */
  readonly archiveId: string | undefined;
  /** Facts of the request, for policies that ask for any; those of time are added here. */
  facts(): ContextFacts;
}

export interface AuthorizationWorld {
  readonly catalog: Pick<Catalog, 'findVault' | 'tagsOf' | 'findArchive'>;
  readonly lockTime: LockTime;
  readonly shelf: PolicyShelf;
}

/**
 * Decides, and gives the vault that it read on the way (undefined if there is none, or the action has none).
 * @throws 403 with the service's text; Shortage for a deletion in a locked vault while the clock cannot be
 * trusted.
 */
export async function authorizeRequest(ask: Ask, world: AuthorizationWorld): Promise<Vault | undefined> {
  const { vaultKey } = ask;
  const vault = isVaultName(vaultKey.name) ? await world.catalog.findVault(vaultKey) : undefined;
  const policies = policiesOf(ask, vault, world);
  const request = await accessRequest(ask, vault, policies, world);
  const decision = authorize(request, policies);
  if (!decision.allowed) throw new ApiError('AccessDeniedException', denialText(request, decision));
  requireTrustedClock(ask, vault, world.lockTime);
  return vault;
}

function policiesOf(
  { identity, vaultKey }: Ask,
  vault: Vault | undefined,
  world: AuthorizationWorld,
): PolicySet {
  if (!vault?.policies) return { identity };
  const arn = vaultArn(vaultKey);
  const { access, lock } = vault.policies;
  const inForce = currentLock(lock, world.lockTime.nowMs());
  return {
    identity,
    vaultAccess: access === null ? undefined : world.shelf.take(access, 'vault-access', arn),
    vaultLock: inForce ? world.shelf.take(inForce.policy, 'vault-lock', arn) : undefined,
  };
}

async function accessRequest(
  ask: Ask,
  vault: Vault | undefined,
  policies: PolicySet,
  world: AuthorizationWorld,
): Promise<AccessRequest> {
  const { caller: principal, action, vaultKey } = ask;
  const nowMs = world.lockTime.nowMs();
  const stored = vault ? await storedFacts(ask, vault, keysOf(policies), nowMs, world) : {};
  return {
    principal,
    action,
    resource: resourceOf(action, vaultKey),
    resourceAccountId: vaultKey.account,
    context: contextOnDemand(() => ({ ...ask.facts(), ...timeFacts(nowMs), ...stored })),
  };
}

function timeFacts(nowMs: number): ContextFacts {
  return {
    'aws:CurrentTime': new Date(nowMs).toISOString(),
    'aws:EpochTime': String(Math.floor(nowMs / 1000)),
  };
}

function keysOf({ identity, vaultAccess, vaultLock }: PolicySet): readonly string[] {
  return [...identity, vaultAccess, vaultLock].flatMap((policy) => policy?.contextKeys ?? []);
}

/** Tags and the archive's age are looked up only where a policy asks for them. */
async function storedFacts(
  { archiveId }: Ask,
  vault: Vault,
  keys: readonly string[],
  nowMs: number,
  { catalog }: AuthorizationWorld,
): Promise<ContextFacts> {
  const facts: Record<string, ContextValue> = {};
  if (keys.some((key) => key.startsWith(TAG_KEY_PREFIX))) {
    for (const [key, value] of Object.entries(await catalog.tagsOf(vault.no)))
      facts[`${TAG_KEY_PREFIX}${key}`] = value;
  }
  if (archiveId !== undefined && keys.includes(AGE_KEY)) {
    const archive = await catalog.findArchive(vault.no, archiveId);
    if (archive) facts[AGE_KEY] = ((nowMs - archive.createdMs) / DAY_MS).toFixed(8);
  }
  return facts;
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
function requireTrustedClock({ action }: Ask, vault: Vault | undefined, lockTime: LockTime): void {
  if (action !== 'DeleteArchive' || vault?.policies?.lock?.state !== 'Locked' || lockTime.canDelete()) return;
  throw new Shortage(
    "The server's clock went back: nothing can be deleted from a locked vault until it is right again.",
    { changedNothing: true },
  );
}
