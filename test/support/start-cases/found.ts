/** What a start finds, for tests of its decision. */
import type { CatalogFound, FoundCatalog, StartFindings } from '../../../src/domain/start-findings.ts';
import type { FoundStore, StoreFound } from '../../../src/domain/store-identity.ts';

export const S = 's'.repeat(32);
export const C = 'c'.repeat(32);
export const FRESH = { storeId: 'fresh-store', catalogId: 'fresh-catalog' };

/** A used store of form 3 with an archive. */
export const STORE: FoundStore = {
  kind: 'store',
  formatVersion: 3,
  identity: { storeId: S, catalogId: C, generation: 4, emulator: false },
  missing: [],
  holdsBlobs: true,
  holdsAnything: true,
  commitNumber: 90,
  lastEntrySeq: 5,
  knowsOlder: false,
};
/** The catalog that belongs to it. */
export const CATALOG: FoundCatalog = {
  kind: 'catalog',
  catalogId: C,
  storeId: S,
  generation: 4,
  commitNumber: 90,
  countsCommits: true,
  namesAnyBlob: true,
  hasVaults: true,
  lastEntrySeq: 5,
  mode: 'normal',
  knowsOlder: false,
};
const UNCLAIMED = { catalogId: undefined, storeId: undefined, generation: 0, commitNumber: 0 };
export const EMPTY_CATALOG = {
  ...CATALOG,
  ...UNCLAIMED,
  namesAnyBlob: false,
  hasVaults: false,
  lastEntrySeq: 0,
  mode: undefined,
};
/** A store and catalog of the version before form 3. */
export const OLD_STORE = { ...STORE, formatVersion: 2, identity: undefined, commitNumber: 0 };
export const OLD_CATALOG = { ...CATALOG, ...UNCLAIMED };
export const EMPTY_STORE = {
  ...STORE,
  holdsBlobs: false,
  holdsAnything: false,
  commitNumber: 0,
  lastEntrySeq: 0,
};
export const NO_STORE: StoreFound = { kind: 'none', what: 'empty' };
export const NO_CATALOG: CatalogFound = { kind: 'none' };
const SQLITE = '/d/catalog.sqlite';

export const FINDINGS: StartFindings = {
  dataFolder: '/d',
  storeFolder: '/d/store',
  masterKey: '/d/master.key',
  hasMasterKey: true,
  catalogPlace: SQLITE,
  remembered: { place: SQLITE, catalogId: C },
  store: STORE,
  catalog: CATALOG,
  emulator: false,
  accepts: { emptyStore: false, catalog: false },
  fresh: FRESH,
};
export const NEW = { store: NO_STORE, catalog: NO_CATALOG, remembered: undefined, hasMasterKey: false };
export const identityWith = (changes: object): FoundStore => ({
  ...STORE,
  identity: { storeId: S, catalogId: C, generation: 4, emulator: false, ...changes },
});
