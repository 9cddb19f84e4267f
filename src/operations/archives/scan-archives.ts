/** Reads the archives of a listing, a bounded number for a page. */
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import {
  comparePlaces,
  type Listing,
  type ListingMarker,
  type ListingOrder,
  matcherOf,
  type NamedArchive,
  named,
  placeOf,
  type SortedScan,
  type SortPlace,
} from '../../domain/archive-listing.ts';
import type { Catalog } from '../../domain/catalog.ts';
import type { InventoryKey } from '../../domain/page.ts';

/** Rows that a page may read. */
const SCANNED_ROWS = 5000;
const ROWS_AT_ONCE = 500;
/** The same in an order other than that of creation, in which a scan must see every archive before it shows any. */
const SORTED_ROWS = 10_000;
/** How many archives such a scan keeps: their numbers must fit in a marker. */
const KEPT = 100;

type ScanDeps = Pick<Catalog, 'listArchives' | 'findArchivesByNo'>;
type SortOrder = Exclude<ListingOrder, 'created'>;

/** A page, and where the next one begins; null at the end. */
export interface ListingPage {
  readonly found: readonly NamedArchive[];
  readonly next: ListingMarker | null;
  /** Every archive that was acknowledged, imported or deleted before this time is taken into account. */
  readonly completeMs: number;
}

export interface Scan {
  readonly catalog: ScanDeps;
  readonly vaultNo: number;
  readonly listing: Listing;
  readonly marker: ListingMarker;
  readonly limit: number;
  readonly nowMs: number;
}

/** The page after a marker: at most `limit` archives, often fewer, since it reads a bounded number of rows. */
export function scanArchives(scan: Scan): Promise<ListingPage> {
  return scan.listing.order === 'created' ? scanByCreation(scan) : scanSorted(scan, scan.listing.order);
}

/** The first archives of a page, as a page of their own. @param count at least 1. */
export function shortenPage(scan: Scan, page: ListingPage, count: number): ListingPage {
  const found = page.found.slice(0, count);
  const last = found.at(-1);
  if (last === undefined || count >= page.found.length) return page;
  return { ...page, found, next: markerAfter(scan, last) };
}

function markerAfter({ listing: { order }, nowMs }: Scan, last: NamedArchive): ListingMarker {
  if (order === 'created') return { scanned: keyOf(last.archive), sorted: null };
  return { scanned: null, sorted: { sinceMs: nowMs, after: placeOf(order, last), best: [] } };
}

async function scanByCreation(scan: Scan): Promise<ListingPage> {
  const { catalog, vaultNo, listing, marker, limit, nowMs: completeMs } = scan;
  const { fromMs, beforeMs, descending } = listing;
  const range = { fromMs, beforeMs, newestFirst: descending };
  const matches = matcherOf(listing);
  const atOnce = isFiltered(listing) ? ROWS_AT_ONCE : limit;
  const found: NamedArchive[] = [];
  let after = marker.scanned;
  for (let left = SCANNED_ROWS; left > 0; ) {
    const page = { after, limit: Math.min(left, atOnce) };
    const { rows, more } = await catalog.listArchives(vaultNo, range, page);
    for (const [i, archive] of rows.entries()) {
      const one = named(archive);
      if (matches(one)) found.push(one);
      if (found.length < limit) continue;
      const isLast = i === rows.length - 1 && !more;
      return { found, next: isLast ? null : markerAfter(scan, one), completeMs };
    }
    if (!more) return { found, next: null, completeMs };
    after = keyOf(rows.at(-1) as StoredArchive);
    left -= rows.length;
  }
  return { found, next: { scanned: after, sorted: null }, completeMs };
}

function isFiltered({ prefix, contains, minSize, maxSize, treeHash }: Listing): boolean {
  return [prefix, contains, minSize, maxSize, treeHash].some((filter) => filter !== null);
}

/**
 * Looks for the archives that come next in the order. A scan of all archives finds them. It is spread over as many pages
 * as it needs, which are empty until its end; their markers keep the best found so far.
 */
async function scanSorted(scan: Scan, order: SortOrder): Promise<ListingPage> {
  const { catalog, vaultNo, listing, marker, limit } = scan;
  const sorted = marker.sorted ?? { sinceMs: scan.nowMs, after: null, best: [] };
  const begin = marker.scanned === null ? { ...sorted, sinceMs: scan.nowMs } : sorted;
  const before = await catalog.findArchivesByNo(vaultNo, begin.best);
  // What a full list has dropped would be missing, so the scan begins again.
  if (before.length < begin.best.length && begin.best.length === KEPT)
    return unfinished({ ...begin, best: [] }, null);
  const best = new Best(order, listing.descending, begin.after);
  best.add(before.map(named));
  const range = { fromMs: listing.fromMs, beforeMs: listing.beforeMs, newestFirst: false };
  const matches = matcherOf(listing);
  let after = marker.scanned;
  for (let left = SORTED_ROWS; left > 0; ) {
    const page = { after, limit: Math.min(left, ROWS_AT_ONCE) };
    const { rows, more } = await catalog.listArchives(vaultNo, range, page);
    best.add(rows.map(named).filter(matches));
    if (!more) return finished(scan, begin, best.kept, limit);
    after = keyOf(rows.at(-1) as StoredArchive);
    left -= rows.length;
  }
  return unfinished({ ...begin, best: best.kept.map(({ archive }) => archive.no) }, after);
}

function unfinished(sorted: SortedScan, scanned: InventoryKey | null): ListingPage {
  return { found: [], next: { scanned, sorted }, completeMs: sorted.sinceMs };
}

function finished(
  scan: Scan,
  { sinceMs }: SortedScan,
  kept: readonly NamedArchive[],
  limit: number,
): ListingPage {
  const found = kept.slice(0, limit);
  const last = found.at(-1);
  const isEnd = last === undefined || (found.length === kept.length && kept.length < KEPT);
  return { found, next: isEnd ? null : markerAfter(scan, last), completeMs: sinceMs };
}

function keyOf({ createdMs, no }: StoredArchive): InventoryKey {
  return { createdMs, no };
}

/** The first archives in an order after a place, as far as they were seen. */
class Best {
  readonly #order: SortOrder;
  readonly #descending: boolean;
  readonly #after: SortPlace | null;
  #kept: readonly { readonly one: NamedArchive; readonly place: SortPlace }[] = [];

  constructor(order: SortOrder, descending: boolean, after: SortPlace | null) {
    this.#order = order;
    this.#descending = descending;
    this.#after = after;
  }

  /** In order, at most `KEPT`. */
  get kept(): readonly NamedArchive[] {
    return this.#kept.map(({ one }) => one);
  }

  add(seen: readonly NamedArchive[]): void {
    const after = this.#after;
    const placed = seen
      .map((one) => ({ one, place: placeOf(this.#order, one) }))
      .filter(({ place }) => after === null || comparePlaces(place, after, this.#descending) > 0);
    this.#kept = [...this.#kept, ...placed]
      .sort((a, b) => comparePlaces(a.place, b.place, this.#descending))
      .slice(0, KEPT);
  }
}
