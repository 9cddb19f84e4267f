/** Decides whether a catalog may be rebuilt, from what lies where store and catalog should be. */
import type { CatalogFound } from './start-findings.ts';
import { IDENTITY_FILE, type StoreFound } from './store-identity.ts';
import type { ClaimGenerationArgs } from './store-link.ts';

/** What a rebuild finds before it writes anything. Paths and places are for messages. */
export interface RebuildFindings {
  readonly storeFolder: string;
  /** Where the catalog is to be, without a secret. */
  readonly catalogPlace: string;
  /** The catalog that the data folder belonged to at its last start. */
  readonly remembered: { readonly place: string } | undefined;
  readonly store: StoreFound;
  /** `unreadable`: there is one, and it is damaged. */
  readonly catalog: CatalogFound | { readonly kind: 'unreadable'; readonly why: string };
  /** Whether the operator said that an existing catalog may be replaced (`--replace`). */
  readonly replace: boolean;
  /** Random ids. */
  readonly fresh: { readonly storeId: string; readonly catalogId: string };
}

export type RebuildDecision =
  | {
      readonly kind: 'refuse';
      /** Whether another setting or flag helps; otherwise something must be put back. */
      readonly isSetting: boolean;
      readonly why: string;
    }
  | {
      readonly kind: 'rebuild';
      /** What the new catalog and the store are to say of each other. */
      readonly link: ClaimGenerationArgs;
      /** Whether an old catalog must give way. */
      readonly replaces: boolean;
    };

/** Decides whether to rebuild. */
export function decideRebuild(findings: RebuildFindings): RebuildDecision {
  const { store, catalog, fresh } = findings;
  const why = refuseStore(findings);
  if (why !== undefined || store.kind !== 'store')
    return { kind: 'refuse', isSetting: false, why: why ?? '' };
  const exists = catalog.kind === 'unreadable' || (catalog.kind === 'catalog' && !isEmpty(catalog));
  const refusal = refuseCatalog(findings, exists);
  if (refusal !== undefined) return { kind: 'refuse', isSetting: true, why: refusal };
  const known = catalog.kind === 'catalog' ? catalog.generation : 0;
  return {
    kind: 'rebuild',
    link: {
      storeId: store.identity?.storeId ?? fresh.storeId,
      catalogId: fresh.catalogId,
      generation: Math.max(store.identity?.generation ?? 0, known) + 1,
    },
    replaces: catalog.kind !== 'none',
  };
}

function refuseStore({ store, storeFolder }: RebuildFindings): string | undefined {
  if (store.kind === 'none')
    return `there is no store at ${storeFolder}: is its disk mounted, is --data right?`;
  if (store.kind === 'foreign')
    return `the store at ${storeFolder} says that it is ${store.format}, which this version does not know: a newer version made it`;
  if (store.identity?.emulator)
    return `the store at ${storeFolder} was made by an emulator, which may erase it: start it with --accept-catalog to begin anew`;
  // A lost identity is made again; a lost folder may have held archives.
  const missing = store.missing.filter((name) => name !== IDENTITY_FILE && name !== 'format.json');
  if (missing.length === 0) return undefined;
  return (
    `the store at ${storeFolder} lacks ${missing.slice(0, 5).join(', ')}: archives may have been there. Put them back from a ` +
    'backup; recreate a folder that was empty, or is lost for good, with mkdir'
  );
}

function refuseCatalog(
  { catalog, catalogPlace, remembered, replace, store }: RebuildFindings,
  exists: boolean,
): string | undefined {
  const own = store.kind === 'store' ? store.identity?.storeId : undefined;
  if (
    catalog.kind === 'catalog' &&
    catalog.storeId !== undefined &&
    own !== undefined &&
    catalog.storeId !== own
  )
    return `the catalog in ${catalogPlace} belongs to another store (${catalog.storeId}; this one is ${own}): give the setting --catalog that belongs to this data folder`;
  if (replace) return undefined;
  if (exists) {
    const what = catalog.kind === 'unreadable' ? `, which cannot be read (${catalog.why})` : '';
    return `there is a catalog in ${catalogPlace}${what}: give --replace to put the rebuilt one in its place; the old one is kept under another name`;
  }
  if (remembered !== undefined && remembered.place !== catalogPlace)
    return `the data folder belongs to the catalog in ${remembered.place}, and this would make one in ${catalogPlace}: give the setting --catalog as before, or --replace to change to this one`;
  return undefined;
}

/** A start or command that found no catalog may have made an empty one. */
function isEmpty({
  catalogId,
  namesAnyBlob,
  hasVaults,
}: Extract<CatalogFound, { kind: 'catalog' }>): boolean {
  return catalogId === undefined && !namesAnyBlob && !hasVaults;
}
