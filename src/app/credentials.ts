import type { CatalogReads } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { Caller } from '../domain/policy/caller.ts';
import type { SecretBox } from '../domain/secret-box.ts';
import { openToken, type SessionClaims } from '../domain/session-token.ts';
import { ACCOUNT_SETTING } from '../domain/setting-catalog.ts';
import type { Credential, FindCredential } from '../protocol/authenticate.ts';
import type { PolicyCache } from '../protocol/policy-cache.ts';

/** How long a credential is cached, and so the longest time until a disabled key or a changed policy takes effect. */
const TRUSTED_MS = 1000;
const KEYS_KEPT = 1000;

interface CachedCredential {
  readonly credential: Credential | undefined;
  readonly readMs: number;
}

interface CredentialDeps {
  readonly catalog: CatalogReads;
  readonly box: SecretBox;
  readonly policies: PolicyCache;
  /** Whether an unknown key is root's; only in the emulator. */
  readonly anyKey: boolean;
}

/** Finds credentials in the catalog, and caches each for a second. */
export function credentialsFrom(deps: CredentialDeps, clock: Clock): FindCredential {
  const kept = new Map<string, CachedCredential>();
  return async (id, token) => {
    const name = `${id} ${token ?? ''}`;
    const known = kept.get(name);
    const nowMs = clock.now();
    if (known && Math.abs(nowMs - known.readMs) < TRUSTED_MS) return known.credential;
    const claims = token === undefined ? undefined : openToken(deps.box, token);
    const credential = claims ? await ofSession(deps, claims, id) : await ofKey(deps, id);
    if (kept.size >= KEYS_KEPT) kept.clear();
    kept.set(name, { credential, readMs: nowMs });
    return credential;
  };
}

async function ofKey(deps: CredentialDeps, id: string): Promise<Credential | undefined> {
  const key = await deps.catalog.findAccessKey(id);
  if (!key && deps.anyKey) return ofUnknownKey(deps, id);
  if (key?.status !== 'active') return undefined;
  const who = await callerOf(deps, key.account, key.userNo, 'user');
  return who && { ...who, secret: deps.box.open(id, key.sealedSecret) };
}

/** Root without a secret: of the account that a 12-digit id names, else of the server's own account. */
async function ofUnknownKey(deps: CredentialDeps, id: string): Promise<Credential | undefined> {
  const account = /^\d{12}$/.test(id) ? id : await deps.catalog.findSetting(ACCOUNT_SETTING);
  if (account === undefined) return undefined;
  const who = await callerOf(deps, account, null, 'user');
  return who && { ...who, secret: null };
}

/** A token is valid only while its user exists, and the key that it was issued under is enabled. */
async function ofSession(
  deps: CredentialDeps,
  claims: SessionClaims,
  id: string,
): Promise<Credential | undefined> {
  const { accessKeyId, secret, account, userNo, parentKeyId, issuedMs, expiresMs } = claims;
  if (accessKeyId !== id) return undefined;
  if (parentKeyId !== null && (await deps.catalog.findAccessKey(parentKeyId))?.status !== 'active')
    return undefined;
  const who = await callerOf(deps, account, userNo, 'temporary');
  return who && { ...who, secret, session: { issuedMs, expiresMs } };
}

async function callerOf(
  { catalog, policies }: CredentialDeps,
  accountId: string,
  userNo: number | null,
  kind: 'user' | 'temporary',
): Promise<Pick<Credential, 'caller' | 'identity'> | undefined> {
  if (userNo === null) {
    const caller: Caller = { kind: 'root', arn: `arn:aws:iam::${accountId}:root`, accountId };
    return { caller, identity: [] };
  }
  const user = await catalog.userByNo(userNo);
  if (!user) return undefined;
  const { name: userName, userId } = user;
  const caller: Caller = {
    kind,
    arn: `arn:aws:iam::${accountId}:user/${userName}`,
    accountId,
    userName,
    userId,
  };
  const documents = await catalog.userPolicies(userNo);
  return { caller, identity: documents.map(({ document }) => policies.get(document, 'identity')) };
}
