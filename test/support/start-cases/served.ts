import type { StartFindings } from '../../../src/domain/start-findings.ts';
import {
  C,
  CATALOG,
  EMPTY_CATALOG,
  EMPTY_STORE,
  FRESH,
  identityWith,
  NEW,
  NO_CATALOG,
  NO_STORE,
  OLD_CATALOG,
  OLD_STORE,
  S,
  STORE,
} from './found.ts';

/**
 * Allowed starts: the case, what the start finds, the store's identity afterwards, and whether the catalog is older.
 */
export const SERVED: readonly [string, Partial<StartFindings>, object, boolean][] = [
  ['a store and its catalog', {}, { storeId: S, catalogId: C, generation: 5 }, false],
  ['a first start', NEW, { ...FRESH, generation: 1 }, false],
  [
    'a first start over a prepared store folder',
    { ...NEW, store: { kind: 'none', what: 'no store' } },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a first start with a database that others use',
    { ...NEW, catalogPlace: 'a database' },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a first start that was interrupted before the store was made',
    { ...NEW, hasMasterKey: true, catalog: EMPTY_CATALOG },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a first start that was interrupted before the catalog was claimed',
    {
      store: { ...EMPTY_STORE, identity: { storeId: S, catalogId: C, generation: 1, emulator: false } },
      catalog: EMPTY_CATALOG,
      remembered: undefined,
    },
    { storeId: S, catalogId: C, generation: 2 },
    false,
  ],
  [
    'a first start that was interrupted before the store had its identity',
    {
      ...NEW,
      hasMasterKey: true,
      store: { ...EMPTY_STORE, identity: undefined, missing: ['identity.json'] },
    },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a store of form 2 whose upgrade was interrupted before it had its identity',
    {
      store: { ...OLD_STORE, formatVersion: 3, missing: ['identity.json'] },
      catalog: OLD_CATALOG,
      remembered: undefined,
    },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a start that was interrupted between store and catalog',
    { store: identityWith({ generation: 5 }) },
    { generation: 6 },
    false,
  ],
  [
    'a store of form 2 with its catalog',
    { store: OLD_STORE, catalog: OLD_CATALOG, remembered: undefined },
    { ...FRESH, generation: 1 },
    false,
  ],
  [
    'a store of form 2 with an older catalog',
    { store: OLD_STORE, catalog: { ...OLD_CATALOG, lastEntrySeq: 4 }, remembered: undefined },
    FRESH,
    true,
  ],
  [
    'a new store of form 2',
    {
      store: { ...OLD_STORE, holdsBlobs: false, holdsAnything: false, lastEntrySeq: 0 },
      catalog: EMPTY_CATALOG,
      remembered: undefined,
    },
    FRESH,
    false,
  ],
  [
    'a store of form 3 with its catalog from before form 3',
    { catalog: OLD_CATALOG, remembered: undefined },
    { storeId: S, catalogId: C, generation: 5 },
    true,
  ],
  [
    'an upgrade that was interrupted before the catalog was claimed',
    {
      store: { ...identityWith({ generation: 1 }), commitNumber: 0 },
      catalog: OLD_CATALOG,
      remembered: undefined,
    },
    { storeId: S, catalogId: C, generation: 2 },
    false,
  ],
  [
    'a catalog from before the last upload',
    { catalog: { ...CATALOG, commitNumber: 89 } },
    { generation: 5 },
    true,
  ],
  ['a catalog from before the last deletion', { catalog: { ...CATALOG, lastEntrySeq: 4 } }, {}, true],
  [
    'a catalog from before the last start',
    { store: identityWith({ generation: 9 }), catalog: { ...CATALOG, commitNumber: 10 } },
    { generation: 10 },
    true,
  ],
  ['an older catalog that was not accepted', { store: { ...STORE, knowsOlder: true } }, {}, true],
  ['a catalog that is marked as older', { catalog: { ...CATALOG, knowsOlder: true } }, {}, true],
  [
    'a catalog that is some commits ahead of the noted number',
    { catalog: { ...CATALOG, commitNumber: 95 } },
    {},
    false,
  ],
  [
    'a database that is ahead by the last increase of the number',
    { catalog: { ...CATALOG, countsCommits: false, commitNumber: 91 } },
    {},
    false,
  ],
  ['a catalog in a new place', { catalogPlace: 'another host' }, { storeId: S, catalogId: C }, false],
  [
    'another catalog, accepted',
    { catalog: { ...CATALOG, catalogId: 'x', storeId: 'y' }, accepts: { emptyStore: false, catalog: true } },
    { storeId: S, catalogId: 'x' },
    true,
  ],
  [
    'an empty catalog, accepted',
    { catalog: EMPTY_CATALOG, accepts: { emptyStore: false, catalog: true } },
    { storeId: S, catalogId: FRESH.catalogId },
    true,
  ],
  [
    'no catalog, accepted',
    { catalog: NO_CATALOG, accepts: { emptyStore: false, catalog: true } },
    { storeId: S, catalogId: FRESH.catalogId, generation: 5 },
    true,
  ],
  [
    'no store, accepted',
    { store: NO_STORE, accepts: { emptyStore: true, catalog: false } },
    { storeId: S, catalogId: C, generation: 5 },
    false,
  ],
  [
    'an older copy of the store, accepted',
    { store: identityWith({ generation: 3 }), accepts: { emptyStore: true, catalog: false } },
    { storeId: S, generation: 5 },
    false,
  ],
  [
    'an incomplete store, accepted',
    { store: { ...STORE, missing: ['packs'] }, accepts: { emptyStore: true, catalog: false } },
    { storeId: S },
    false,
  ],
  [
    'a store that lost its identity, accepted',
    {
      store: { ...STORE, identity: undefined, missing: ['identity.json'] },
      accepts: { emptyStore: true, catalog: false },
    },
    { storeId: S, catalogId: C, generation: 5 },
    false,
  ],
  [
    'an emulator over its own store',
    { emulator: true, store: identityWith({ emulator: true }), catalog: { ...CATALOG, mode: 'emulator' } },
    { emulator: true },
    false,
  ],
  [
    'an emulator whose reset was interrupted',
    {
      emulator: true,
      store: { ...identityWith({ emulator: true }), missing: ['blobs', 'packs'] },
      catalog: { ...CATALOG, mode: 'emulator' },
    },
    { emulator: true },
    false,
  ],
  [
    'an emulator over a store that was never used',
    {
      emulator: true,
      store: EMPTY_STORE,
      catalog: { ...CATALOG, namesAnyBlob: false, hasVaults: false, commitNumber: 1 },
    },
    { emulator: true, storeId: S },
    false,
  ],
  [
    'an emulator over its own store of form 2',
    {
      emulator: true,
      store: OLD_STORE,
      catalog: { ...OLD_CATALOG, mode: 'emulator' },
      remembered: undefined,
    },
    { emulator: true },
    false,
  ],
];
