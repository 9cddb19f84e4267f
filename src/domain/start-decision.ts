/** What a start may do with the store and the catalog that it found: decided before anything is written, removed or made. */
import type { FoundCatalog, StartFacts } from './start-facts.ts';
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
  unknownForm,
} from './start-refusals.ts';
import { type FoundStore, IDENTITY_FILE, type StoreFound, type StoreIdentity } from './store-identity.ts';

export type StartDecision =
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  | {
      readonly kind: 'serve';
      /** What the store is to say of itself from now on. */
      readonly identity: StoreIdentity;
      /** Whether the catalog lacks what the store has: then nothing is removed. */
      readonly older: boolean;
    };

/** Checks, the first that refuses wins: those that say best what is wrong come first. */
const CHECKS: readonly ((facts: StartFacts) => Refusal | undefined)[] = [
  checkForm,
  checkPlace,
  checkEmulator,
  checkStore,
  checkKey,
  checkCatalog,
  checkPieces,
  checkIdentity,
];

/** What a start may do. */
export function decideStart(facts: StartFacts): StartDecision {
  for (const check of CHECKS) {
    const refusal = check(facts);
    if (refusal) return { kind: 'refuse', refusal };
  }
  return { kind: 'serve', identity: nextIdentity(facts), older: isOlder(facts) };
}

function checkForm(facts: StartFacts): Refusal | undefined {
  return facts.store.kind === 'foreign' ? unknownForm(facts, facts.store.format) : undefined;
}

type PlaceFacts = Pick<
  StartFacts,
  'dataFolder' | 'storeFolder' | 'catalogPlace' | 'remembered' | 'catalog' | 'accepts'
>;

/**
 * Whether the catalog is the one that the data folder belongs to. A database may have moved: what counts is that it is the
 * same catalog.
 */
export function checkPlace(facts: PlaceFacts): Refusal | undefined {
  const { remembered, catalogPlace, catalog, accepts } = facts;
  if (remembered === undefined || accepts.catalog) return undefined;
  if (catalog.kind === 'catalog' && catalog.catalogId === remembered.catalogId) return undefined;
  if (remembered.place !== catalogPlace) return otherPlace(facts, remembered.place);
  return catalog.kind === 'none' ? missingCatalog(facts) : undefined;
}

/** An emulator erases what it serves when it is told to. Where there is nothing to lose, anybody may begin. */
function checkEmulator(facts: StartFacts): Refusal | undefined {
  const { store, catalog, emulator } = facts;
  if (store.kind !== 'store' || !store.holdsAnything) return undefined;
  const mode = catalog.kind === 'catalog' ? catalog.mode : undefined;
  const isEmulated = store.identity?.emulator ?? mode === 'emulator';
  if (isEmulated === emulator) return undefined;
  return emulator ? emulatorOverStore(facts) : serverOverEmulated(facts);
}

function checkStore(facts: StartFacts): Refusal | undefined {
  const { store, catalog, accepts } = facts;
  if (accepts.emptyStore || catalog.kind === 'none') return undefined;
  if (store.kind === 'none' && (catalog.storeId !== undefined || catalog.namesAnyBlob))
    return missingStore(facts, store.what);
  // Before form 3 nothing says which store it is: without any blob it may be that of another disk.
  const isAnonymous = store.kind === 'store' && store.identity === undefined;
  if (isAnonymous && catalog.storeId === undefined && catalog.namesAnyBlob && !store.holdsBlobs)
    return storeWithoutBlobs(facts);
  return undefined;
}

/** The key is made before all else, so whatever else there is, it was there. */
function checkKey(facts: StartFacts): Refusal | undefined {
  const isNew = facts.store.kind === 'none' && facts.catalog.kind === 'none';
  return facts.hasMasterKey || isNew ? undefined : missingKey(facts);
}

/** A store that has something belongs to a catalog that knows something. */
function checkCatalog(facts: StartFacts): Refusal | undefined {
  const { store, catalog, accepts } = facts;
  if (store.kind !== 'store' || !store.holdsAnything || accepts.catalog) return undefined;
  if (catalog.kind === 'none') return missingCatalog(facts);
  return catalog.catalogId === undefined && knowsNothing(catalog) ? emptyCatalog(facts) : undefined;
}

/** An emulator's store may be found in the middle of being erased. */
function checkPieces(facts: StartFacts): Refusal | undefined {
  const { store, accepts } = facts;
  if (store.kind !== 'store' || accepts.emptyStore || store.identity?.emulator === true) return undefined;
  const missing = wasNeverClaimed(facts)
    ? store.missing.filter((name) => name !== IDENTITY_FILE)
    : store.missing;
  return missing.length === 0 ? undefined : missingPieces(facts, missing);
}

/**
 * Whether no start has come as far as to claim the catalog. A start writes the form of the store first and its identity
 * next, so one that ended between the two left a store of form 3, new or just upgraded, that has no identity yet.
 */
function wasNeverClaimed({ catalog, remembered }: StartFacts): boolean {
  return remembered === undefined && (catalog.kind === 'none' || catalog.catalogId === undefined);
}

function checkIdentity(facts: StartFacts): Refusal | undefined {
  const { store, catalog, accepts } = facts;
  // A catalog that nobody has claimed is new, or was restored from before there were identities.
  if (store.kind !== 'store' || catalog.kind === 'none' || catalog.catalogId === undefined) return undefined;
  const { identity } = store;
  if (identity === undefined) return accepts.emptyStore ? undefined : otherStore(facts, undefined);
  if (!accepts.catalog) {
    if (identity.catalogId !== catalog.catalogId) return otherCatalog(facts, identity, catalog);
    if (identity.storeId !== catalog.storeId) return otherStore(facts, identity);
  }
  return !accepts.emptyStore && isBehind(store, identity, catalog) ? olderStore(facts) : undefined;
}

/** Whether the catalog was used with a store that knew more than this one: this is a copy, or was restored. */
function isBehind(store: FoundStore, identity: StoreIdentity, catalog: FoundCatalog): boolean {
  if (identity.generation < catalog.generation) return true;
  // The store notes each number that is raised before the next one is.
  return !catalog.countsCommits && catalog.commitNumber > store.commitNumber + 1;
}

function nextIdentity({ store, catalog, emulator, fresh }: StartFacts): StoreIdentity {
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
 * Whether the catalog is not the one that the store was used with, but a new one: two catalogs must never have one id. One
 * that nobody has claimed and that knows something is the store's own, from before there were ids.
 */
function isBegunAnew(store: StoreFound, catalog: FoundCatalog | undefined): boolean {
  return store.kind === 'store' && store.holdsAnything && (catalog === undefined || knowsNothing(catalog));
}

function knowsNothing({ namesAnyBlob, lastRecord }: FoundCatalog): boolean {
  return !namesAnyBlob && lastRecord === 0;
}

function isOlder({ store, catalog }: StartFacts): boolean {
  const knows = catalog.kind === 'catalog' && catalog.knowsOlder;
  if (store.kind !== 'store') return knows;
  const [commitNumber, lastRecord] =
    catalog.kind === 'catalog' ? [catalog.commitNumber, catalog.lastRecord] : [0, 0];
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
    store.lastRecord > lastRecord
  );
}
