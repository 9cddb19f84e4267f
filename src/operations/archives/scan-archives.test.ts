import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { refuses } from '../../../test/support/refusal.ts';
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import {
  comparePlaces,
  decodeListingMarker,
  encodeListingMarker,
  type Listing,
  matcherOf,
  named,
  placeOf,
} from '../../domain/archive-listing.ts';
import { scanArchives } from './scan-archives.ts';

const VAULT_NO = 7;
const ALL: Listing = {
  prefix: null,
  contains: null,
  fromMs: null,
  beforeMs: null,
  minSize: null,
  maxSize: null,
  treeHash: null,
  order: 'created',
  descending: false,
};

function archive(no: number, createdMs: number, size: number, description: string | null): StoredArchive {
  const where = { vaultNo: VAULT_NO, ref: `r${no}`, uploadNo: null, arrivedMs: null, damagedMs: null };
  return { ...where, no, id: `a${no}`, createdMs, size, description, treeHash: String(size % 10).repeat(64) };
}

/** A catalog of these archives that counts the rows read. */
function catalogOf(archives: StoredArchive[]) {
  const counted = { rows: 0 };
  const sortedBy = new Map<boolean, StoredArchive[]>();
  return {
    counted,
    sortedBy,
    async listArchives(
      _vaultNo: number,
      range: { fromMs: number | null; beforeMs: number | null; newestFirst: boolean },
      { after, limit }: { after: { createdMs: number; no: number } | null; limit: number },
    ) {
      const sign = range.newestFirst ? -1 : 1;
      const compare = (a: { createdMs: number; no: number }, b: { createdMs: number; no: number }) =>
        sign * (a.createdMs - b.createdMs || a.no - b.no);
      const sorted = sortedBy.get(range.newestFirst) ?? archives.toSorted(compare);
      sortedBy.set(range.newestFirst, sorted);
      const within = sorted
        .filter(({ createdMs }) => createdMs >= (range.fromMs ?? 0))
        .filter(({ createdMs }) => createdMs < (range.beforeMs ?? Number.POSITIVE_INFINITY))
        .filter((one) => after === null || compare(one, after) > 0);
      counted.rows += Math.min(within.length, limit);
      return { rows: within.slice(0, limit), more: within.length > limit };
    },
    async findArchivesByNo(_vaultNo: number, nos: readonly number[]) {
      return archives.filter(({ no }) => nos.includes(no));
    },
  };
}

/** Follows the markers, as clients do, and calls `between` after each page. */
async function listAll(
  catalog: ReturnType<typeof catalogOf>,
  listing: Listing,
  limitOf: (page: number) => number,
  between: (page: number) => void = () => {},
): Promise<{ nos: number[]; pages: number }> {
  const nos: number[] = [];
  let text: string | null = null;
  for (let pages = 1; ; pages++) {
    const marker = decodeListingMarker(VAULT_NO, listing, text);
    const limit = limitOf(pages);
    const page = await scanArchives({ catalog, vaultNo: VAULT_NO, listing, marker, limit, nowMs: pages });
    assert.ok(page.found.length <= limit);
    nos.push(...page.found.map((one) => one.archive.no));
    if (page.next === null) return { nos, pages };
    text = encodeListingMarker(VAULT_NO, listing, page.next);
    between(pages);
  }
}

function expectedNos(archives: readonly StoredArchive[], listing: Listing): number[] {
  const { order, descending, fromMs, beforeMs } = listing;
  const sign = descending ? -1 : 1;
  return archives
    .filter(({ createdMs }) => createdMs >= (fromMs ?? 0) && createdMs < (beforeMs ?? 1e9))
    .map(named)
    .filter(matcherOf(listing))
    .sort((a, b) =>
      order === 'created'
        ? sign * (a.archive.createdMs - b.archive.createdMs || a.archive.no - b.archive.no)
        : comparePlaces(placeOf(order, a), placeOf(order, b), descending),
    )
    .map((one) => one.archive.no);
}

const NAMES = [null, '', ' x', 'a', 'b', 'B', 'photos/1.jpg', 'photos/2.jpg', 'é', '{"Path":"Zebra"}'];

const listings = fc.record<Listing>({
  prefix: fc.constantFrom(null, null, 'photos/', 'Z', 'b'),
  contains: fc.constantFrom(null, null, 'B', 'PHOTOS', 'path'),
  fromMs: fc.constantFrom(null, null, 3),
  beforeMs: fc.constantFrom(null, null, 8),
  minSize: fc.constantFrom(null, null, 2),
  maxSize: fc.constantFrom(null, null, 7),
  treeHash: fc.constantFrom(null, null, null, '3'.repeat(64)),
  order: fc.constantFrom('created', 'name', 'size'),
  descending: fc.boolean(),
});

const vaults = fc.array(
  fc.record({ createdMs: fc.nat(10), size: fc.integer({ min: 1, max: 9 }), text: fc.constantFrom(...NAMES) }),
  { maxLength: 40 },
);

describe('a listing', () => {
  it('has all archives that match, once, in order, whatever the pages', async () => {
    await fc.assert(
      fc.asyncProperty(vaults, listings, fc.integer({ min: 1, max: 50 }), async (rows, listing, limit) => {
        const archives = rows.map(({ createdMs, size, text }, i) => archive(i + 1, createdMs, size, text));
        const { nos } = await listAll(catalogOf(archives), listing, (page) => ((limit * page) % 50) + 1);
        assert.deepEqual(nos, expectedNos(archives, listing));
      }),
      { numRuns: 500 },
    );
  });

  const many = Array.from({ length: 12_000 }, (_, i) =>
    archive(i + 1, i % 1000, ((i * 7919) % 12_000) + 1, i % 3000 === 0 ? 'rare' : `f/${(i * 31) % 12_000}`),
  );

  it('reads a bounded number of rows for a page, and goes on after it', async () => {
    for (const listing of [
      { ...ALL, prefix: 'rare' },
      { ...ALL, order: 'size' as const, prefix: 'rare' },
      { ...ALL, order: 'name' as const, descending: true, minSize: 11_900 },
    ]) {
      const catalog = catalogOf(many);
      let before = 0;
      const { nos, pages } = await listAll(
        catalog,
        listing,
        () => 1000,
        () => {
          assert.ok(catalog.counted.rows - before <= 10_000);
          before = catalog.counted.rows;
        },
      );
      assert.ok(pages > 1);
      assert.deepEqual(nos, expectedNos(many, listing));
    }
  });

  it('in order of size misses nothing when what it had found is deleted', async () => {
    const listing = { ...ALL, order: 'size' as const, maxSize: 250 };
    const archives = [...many];
    let deleted: number[] = [];
    const catalog = catalogOf(archives);
    const { nos } = await listAll(
      catalog,
      listing,
      () => 50,
      (page) => {
        if (page !== 1) return;
        const smallest = archives.slice(0, 9000).sort((a, b) => a.size - b.size);
        deleted = smallest.slice(0, 20).map(({ no }) => no);
        archives.splice(0, archives.length, ...archives.filter(({ no }) => !deleted.includes(no)));
        catalog.sortedBy.clear();
      },
    );
    assert.equal(deleted.length, 20);
    assert.deepEqual(nos, expectedNos(archives, listing));
  });

  it('takes its own markers only, with the same filters, order and vault', () => {
    const marker = { scanned: { createdMs: 5, no: 3 }, sorted: null };
    const text = encodeListingMarker(VAULT_NO, ALL, marker);
    assert.deepEqual(decodeListingMarker(VAULT_NO, ALL, text), marker);
    const sized = { ...ALL, order: 'size' as const };
    for (const [vaultNo, listing, given] of [
      [VAULT_NO + 1, ALL, text],
      [VAULT_NO, { ...ALL, prefix: 'a' }, text],
      [VAULT_NO, { ...ALL, descending: true }, text],
      [VAULT_NO, sized, text],
      [VAULT_NO, ALL, 'x'],
      [VAULT_NO, ALL, `${text}=`],
      [VAULT_NO, ALL, Buffer.from('null').toString('base64url')],
      [VAULT_NO, sized, encodeListingMarker(VAULT_NO, sized, marker)],
    ] as const) {
      refuses(() => decodeListingMarker(vaultNo, listing, given), 'invalid', /^Invalid marker: /);
    }
  });
});
