import type { CatalogReads } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import type { SecretBox } from '../domain/secret-box.ts';
import type { Credential, FindCredential } from '../protocol/authenticate.ts';

/** A disabled key stops working within this time, everywhere. */
const TRUSTED_MS = 1000;
const KEYS_KEPT = 1000;

interface Kept {
  readonly credential: Credential | undefined;
  readonly readMs: number;
}

/** Looks access keys up in the catalog, remembering each for a second, so that not every request asks. */
export function credentialsFrom(catalog: CatalogReads, box: SecretBox, clock: Clock): FindCredential {
  const kept = new Map<string, Kept>();
  return async (id) => {
    const known = kept.get(id);
    const nowMs = clock.now();
    if (known && Math.abs(nowMs - known.readMs) < TRUSTED_MS) return known.credential;
    const credential = await readCredential(catalog, box, id);
    if (kept.size >= KEYS_KEPT) kept.clear();
    kept.set(id, { credential, readMs: nowMs });
    return credential;
  };
}

async function readCredential(
  catalog: CatalogReads,
  box: SecretBox,
  id: string,
): Promise<Credential | undefined> {
  const key = await catalog.findAccessKey(id);
  if (key?.status !== 'active') return undefined;
  return { principal: { kind: 'root', account: key.account }, secret: box.open(id, key.sealedSecret) };
}
