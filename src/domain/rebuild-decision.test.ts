import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decideRebuild, type RebuildFindings } from './rebuild-decision.ts';
import type { FoundCatalog } from './start-findings.ts';
import type { FoundStore } from './store-identity.ts';

const IDENTITY = { storeId: 'own store', catalogId: 'old', generation: 4, emulator: false };

const STORE: FoundStore = {
  kind: 'store',
  formatVersion: 3,
  identity: IDENTITY,
  missing: [],
  holdsBlobs: true,
  holdsAnything: true,
  commitNumber: 9,
  lastEntrySeq: 9,
  knowsOlder: false,
};

const CATALOG: FoundCatalog = {
  kind: 'catalog',
  catalogId: 'old',
  storeId: 'own store',
  generation: 6,
  commitNumber: 3,
  countsCommits: true,
  namesAnyBlob: true,
  hasVaults: true,
  lastEntrySeq: 2,
  mode: 'normal',
  knowsOlder: false,
};

function decide(changes: Partial<RebuildFindings> = {}) {
  return decideRebuild({
    storeFolder: '/data/store',
    catalogPlace: 'HERE',
    remembered: undefined,
    store: STORE,
    catalog: { kind: 'none' },
    replace: false,
    fresh: { storeId: 'fresh store', catalogId: 'fresh catalog' },
    ...changes,
  });
}

function refusalOf(changes: Partial<RebuildFindings>): { isSetting: boolean; why: string } {
  const decision = decide(changes);
  assert.equal(decision.kind, 'refuse');
  return decision as { isSetting: boolean; why: string };
}

describe('a rebuild', () => {
  it('makes a catalog with an id of its own, for the next generation of the store', () => {
    const link = { storeId: 'own store', catalogId: 'fresh catalog', generation: 5 };
    assert.deepEqual(decide(), { kind: 'rebuild', link, replaces: false });
    const replacing = decide({ catalog: CATALOG, replace: true });
    assert.deepEqual(replacing, { kind: 'rebuild', link: { ...link, generation: 7 }, replaces: true });
  });

  it('makes a new identity where that is lost or never was', () => {
    const store = { ...STORE, identity: undefined, missing: ['identity.json'] };
    const link = { storeId: 'fresh store', catalogId: 'fresh catalog', generation: 1 };
    assert.deepEqual(decide({ store }), { kind: 'rebuild', link, replaces: false });
  });

  it('is refused without a store, and over one that is not all there', () => {
    for (const [store, why] of [
      [{ kind: 'none', what: 'empty' }, /there is no store at \/data\/store/],
      [{ kind: 'foreign', format: '{}' }, /does not know/],
      [{ ...STORE, missing: ['packs', 'blobs/07'] }, /lacks packs, blobs\/07: archives may have been there/],
      [{ ...STORE, identity: { ...IDENTITY, emulator: true } }, /emulator/],
    ] as const) {
      const refusal = refusalOf({ store, replace: true });
      assert.match(refusal.why, why);
      assert.equal(refusal.isSetting, false);
    }
  });

  it('replaces a catalog only if told, and never that of another store', () => {
    assert.match(refusalOf({ catalog: CATALOG }).why, /there is a catalog in HERE: give --replace/);
    assert.match(refusalOf({ catalog: { kind: 'unreadable', why: 'torn' } }).why, /cannot be read \(torn\)/);
    assert.equal(decide({ catalog: { kind: 'unreadable', why: 'torn' }, replace: true }).kind, 'rebuild');
    const other = { ...CATALOG, storeId: 'another' };
    assert.match(refusalOf({ catalog: other, replace: true }).why, /belongs to another store/);
  });

  it('takes the place of an empty catalog that was never used', () => {
    const catalog = {
      ...CATALOG,
      catalogId: undefined,
      storeId: undefined,
      namesAnyBlob: false,
      hasVaults: false,
    };
    assert.deepEqual(decide({ catalog }).kind, 'rebuild');
  });

  it('changes to another place only if told', () => {
    const remembered = { place: 'THERE' };
    assert.match(refusalOf({ remembered }).why, /belongs to the catalog in THERE/);
    assert.equal(decide({ remembered, replace: true }).kind, 'rebuild');
  });
});
