/** Decides what a start may do with the store and the catalog that it found, before it changes anything. */
import type { FoundCatalog, StartFindings } from './start-findings.ts';
import {
  emptyCatalog,
  emulatorOverStore,
  missingCatalog,
  missingKey,
  missingPieces,
  missingStore,
  olderStore,
  otherCatalog,
  otherPlace,
  otherStore,
  type Refusal,
  serverOverEmulated,
  storeWithoutBlobs,
  unknownFormat,
} from './start-refusals.ts';
import { type FoundStore, IDENTITY_FILE, type StoreFound, type StoreIdentity } from './store-identity.ts';

export type StartDecision =
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  | {
      readonly kind: 'serve';
      /** The store's identity from now on. */
      readonly identity: StoreIdentity;
      /** Whether the catalog is older than the store; then nothing is removed. */
      readonly older: boolean;
    };

/** The first check that refuses wins, so those with the most specific messages come first. */
const CHECKS: readonly ((findings: StartFindings) => Refusal | undefined)[] = [
  checkFormat,
  checkPlace,
  checkEmulator,
  checkStore,
  checkKey,
  checkCatalog,
  checkPieces,
  checkIdentity,
];

/** What a start may do. */
export function decideStart(findings: StartFindings): StartDecision {
  for (const check of CHECKS) {
    const refusal = check(findings);
    if (refusal) return { kind: 'refuse', refusal };
  }
  return { kind: 'serve', identity: nextIdentity(findings), older: isOlder(findings) };
}

function checkFormat(findings: StartFindings): Refusal | undefined {
  return findings.store.kind === 'foreign' ? unknownFormat(findings, findings.store.format) : undefined;
}

type PlaceFindings = Pick<
  StartFindings,
  'dataFolder' | 'storeFolder' | 'catalogPlace' | 'remembered' | 'catalog' | 'accepts'
>;

/**
 * Checks that the catalog is the one that the data folder belongs to. A database may have moved, so the catalog's id
 * decides.
 */
export function checkPlace(findings: PlaceFindings): Refusal | undefined {
  const { remembered, catalogPlace, catalog, accepts } = findings;
  if (remembered === undefined || accepts.catalog) return undefined;
  if (catalog.kind === 'catalog' && catalog.catalogId === remembered.catalogId) return undefined;
  if (remembered.place !== catalogPlace) return otherPlace(findings, remembered.place);
  return catalog.kind === 'none' ? missingCatalog(findings) : undefined;
}

/** Checks that only an emulator serves an emulator's store, which it may erase. One without vaults may become either. */
function checkEmulator(findings: StartFindings): Refusal | undefined {
  const { store, catalog, emulator } = findings;
  if (store.kind !== 'store') return undefined;
  // The journal has entries from the first start on: of the account and its key.
  const hasVaults = catalog.kind === 'catalog' ? catalog.hasVaults : store.holdsAnything;
  if (!hasVaults && !store.holdsBlobs) return undefined;
  const mode = catalog.kind === 'catalog' ? catalog.mode : undefined;
  const isEmulated = store.identity?.emulator ?? mode === 'emulator';
  if (isEmulated === emulator) return undefined;
  return emulator ? emulatorOverStore(findings) : serverOverEmulated(findings);
}

function checkStore(findings: StartFindings): Refusal | undefined {
  const { store, catalog, accepts } = findings;
  if (accepts.emptyStore || catalog.kind === 'none') return undefined;
  if (store.kind === 'none' && (catalog.storeId !== undefined || catalog.namesAnyBlob))
    return missingStore(findings, store.what);
  // Before form 3 a store has no identity. One without blobs may be on the wrong disk.
  const isAnonymous = store.kind === 'store' && store.identity === undefined;
  if (isAnonymous && catalog.storeId === undefined && catalog.namesAnyBlob && !store.holdsBlobs)
    return storeWithoutBlobs(findings);
  return undefined;
}

/** The key is the first thing that a start creates, so it must exist if anything else does. */
function checkKey(findings: StartFindings): Refusal | undefined {
  const isNew = findings.store.kind === 'none' && findings.catalog.kind === 'none';
  return findings.hasMasterKey || isNew ? undefined : missingKey(findings);
}

/** Checks that the catalog of a non-empty store is neither missing nor empty. */
function checkCatalog(findings: StartFindings): Refusal | undefined {
  const { store, catalog, accepts } = findings;
  if (store.kind !== 'store' || !store.holdsAnything || accepts.catalog) return undefined;
  if (catalog.kind === 'none') return missingCatalog(findings);
  return catalog.catalogId === undefined && knowsNothing(catalog) ? emptyCatalog(findings) : undefined;
}

/** Checks that no files or folders are missing. An emulator's store may be half erased. */
function checkPieces(findings: StartFindings): Refusal | undefined {
  const { store, accepts } = findings;
  if (store.kind !== 'store' || accepts.emptyStore || store.identity?.emulator === true) return undefined;
  const missing = wasNeverClaimed(findings)
    ? store.missing.filter((name) => name !== IDENTITY_FILE)
    : store.missing;
  return missing.length === 0 ? undefined : missingPieces(findings, missing);
}

/**
 * Whether no start has claimed the catalog yet. A start writes the store's form and then its identity, so one that ended
 * in between left a store of form 3, new or just upgraded, without an identity.
 */
function wasNeverClaimed({ catalog, remembered }: StartFindings): boolean {
  return remembered === undefined && (catalog.kind === 'none' || catalog.catalogId === undefined);
}

function checkIdentity(findings: StartFindings): Refusal | undefined {
  const { store, catalog, accepts } = findings;
  // A catalog without an id is new, or was restored from before there were identities.
  if (store.kind !== 'store' || catalog.kind === 'none' || catalog.catalogId === undefined) return undefined;
  const { identity } = store;
  if (identity === undefined) return accepts.emptyStore ? undefined : otherStore(findings, undefined);
  if (!accepts.catalog) {
    if (identity.catalogId !== catalog.catalogId) return otherCatalog(findings, identity, catalog);
    if (identity.storeId !== catalog.storeId) return otherStore(findings, identity);
  }
  return !accepts.emptyStore && isBehind(store, identity, catalog) ? olderStore(findings) : undefined;
}

/** Whether the catalog was used with a newer state of this store, which is then a copy or was restored. */
function isBehind(store: FoundStore, identity: StoreIdentity, catalog: FoundCatalog): boolean {
  if (identity.generation < catalog.generation) return true;
  // The store notes each raised number before the next one is raised.
  return !catalog.countsCommits && catalog.commitNumber > store.commitNumber + 1;
}

function nextIdentity({ store, catalog, emulator, fresh }: StartFindings): StoreIdentity {
  const own = store.kind === 'store' ? store.identity : undefined;
  const known = catalog.kind === 'catalog' ? catalog : undefined;
  return {
    storeId: own?.storeId ?? known?.storeId ?? fresh.storeId,
    catalogId:
      known?.catalogId ?? (isBegunAnew(store, known) ? undefined : own?.catalogId) ?? fresh.catalogId,
    generation: Math.max(own?.generation ?? 0, known?.generation ?? 0) + 1,
    emulator,
  };
}

/**
 * Whether the catalog is a new one, which must get an id of its own. A catalog without an id that is not empty is the
 * store's own, from before there were ids.
 */
function isBegunAnew(store: StoreFound, catalog: FoundCatalog | undefined): boolean {
  return store.kind === 'store' && store.holdsAnything && (catalog === undefined || knowsNothing(catalog));
}

function knowsNothing({ namesAnyBlob, lastEntrySeq }: FoundCatalog): boolean {
  return !namesAnyBlob && lastEntrySeq === 0;
}

function isOlder({ store, catalog }: StartFindings): boolean {
  const knows = catalog.kind === 'catalog' && catalog.knowsOlder;
  if (store.kind !== 'store') return knows;
  const [commitNumber, lastEntrySeq] =
    catalog.kind === 'catalog' ? [catalog.commitNumber, catalog.lastEntrySeq] : [0, 0];
  const isAnother =
    store.identity !== undefined &&
    catalog.kind === 'catalog' &&
    catalog.catalogId !== undefined &&
    store.identity.catalogId !== catalog.catalogId;
  const isEmpty = catalog.kind === 'none' && store.holdsAnything;
  return (
    knows ||
    store.knowsOlder ||
    isAnother ||
    isEmpty ||
    store.commitNumber > commitNumber ||
    store.lastEntrySeq > lastEntrySeq
  );
}
