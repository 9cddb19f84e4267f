/** Which archives a listing shows, and in what order. */
import { createHash } from 'node:crypto';
import type { StoredArchive } from './archive-catalog.ts';
import { type ArchiveName, archiveNameOf } from './archive-name.ts';
import { invalidParameter } from './errors.ts';
import { foldCase } from './fold-case.ts';
import type { InventoryKey } from './page.ts';

export type ListingOrder = 'created' | 'name' | 'size';

/** What to list. A null filter does not restrict. */
export interface Listing {
  /** How the name begins. */
  readonly prefix: string | null;
  /** Text within the name or the description, in any case. */
  readonly contains: string | null;
  /** Created at this time or later, ms since the epoch. */
  readonly fromMs: number | null;
  /** Created before this time. */
  readonly beforeMs: number | null;
  /** Bytes, both included. */
  readonly minSize: number | null;
  readonly maxSize: number | null;
  /** 64 lower-case hex digits. */
  readonly treeHash: string | null;
  readonly order: ListingOrder;
  readonly descending: boolean;
}

/** An archive with the name that its description has. */
export interface NamedArchive {
  readonly archive: StoredArchive;
  readonly name: ArchiveName | null;
}

export function named(archive: StoredArchive): NamedArchive {
  return { archive, name: archiveNameOf(archive.description) };
}

/** A test for the filters of a listing except those on the creation, which the catalog applies. */
export function matcherOf(listing: Listing): (one: NamedArchive) => boolean {
  const { prefix, minSize, maxSize, treeHash } = listing;
  const text = listing.contains === null ? null : foldCase(listing.contains);
  return ({ archive, name }) => {
    if (minSize !== null && archive.size < minSize) return false;
    if (maxSize !== null && archive.size > maxSize) return false;
    if (treeHash !== null && archive.treeHash !== treeHash) return false;
    if (prefix !== null && !name?.name.startsWith(prefix)) return false;
    if (text === null) return true;
    return [name?.name, archive.description].some((one) => one != null && foldCase(one).includes(text));
  };
}

/** What an archive is ordered by: its size, its name in the order of its bytes, or null for one without a name. */
type SortKey = number | string | null;

/** Where an archive stands in an order that is not that of creation. Of equal keys, the number decides. */
export interface SortPlace {
  readonly key: SortKey;
  readonly no: number;
}

/** @param order `name` or `size`. */
export function placeOf(order: Exclude<ListingOrder, 'created'>, { archive, name }: NamedArchive): SortPlace {
  return { key: order === 'size' ? archive.size : (name?.name ?? null), no: archive.no };
}

/** Compares places. Archives without a name come last, also in descending order. */
export function comparePlaces(one: SortPlace, other: SortPlace, descending: boolean): number {
  if (one.key === null || other.key === null) {
    if (one.key !== other.key) return one.key === null ? 1 : -1;
  }
  const ascending = compareKeys(one.key, other.key) || one.no - other.no;
  return descending ? -ascending : ascending;
}

function compareKeys(one: SortKey, other: SortKey): number {
  if (typeof one === 'string' && typeof other === 'string')
    return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return Number(one) - Number(other);
}

/** Where a listing continues. */
export interface ListingMarker {
  /** The archive after which the scan continues; null: the first. */
  readonly scanned: InventoryKey | null;
  /** In orders other than that of creation. */
  readonly sorted: SortedScan | null;
}

/** A scan for the archives that come next in an order. */
export interface SortedScan {
  /** When it began, ms since the epoch. */
  readonly sinceMs: number;
  /** The last archive that was returned before; null: none. */
  readonly after: SortPlace | null;
  /** Numbers of the first archives after that, among those seen so far, in order. */
  readonly best: readonly number[];
}

const START: ListingMarker = { scanned: null, sorted: null };

/** What a marker is bound to: the vault, the filters and the order. */
function digestOf(vaultNo: number, listing: Listing): string {
  const names = Object.keys(listing).sort() as (keyof Listing)[];
  const bound = JSON.stringify([vaultNo, ...names.map((name) => listing[name])]);
  return createHash('sha256').update(bound).digest('base64url').slice(0, 12);
}

/** An opaque marker. */
export function encodeListingMarker(
  vaultNo: number,
  listing: Listing,
  { scanned, sorted }: ListingMarker,
): string {
  const at = scanned === null ? null : [scanned.createdMs, scanned.no];
  const kept = sorted && [sorted.sinceMs, sorted.after && [sorted.after.key, sorted.after.no], sorted.best];
  return Buffer.from(JSON.stringify([digestOf(vaultNo, listing), at, kept])).toString('base64url');
}

/** @throws Refusal invalid for a marker of another list, or of other filters. */
export function decodeListingMarker(vaultNo: number, listing: Listing, marker: string | null): ListingMarker {
  if (marker === null) return START;
  const [digest, at, kept] = listOf(parsed(marker), 3) ?? [];
  const scanned = at === null ? null : keyOf(at);
  const sorted = kept === null ? null : sortedOf(kept);
  const isOwn = digest === digestOf(vaultNo, listing) && (listing.order === 'created') === (sorted === null);
  if (isOwn && scanned !== undefined && sorted !== undefined) {
    const decoded = { scanned, sorted };
    if (encodeListingMarker(vaultNo, listing, decoded) === marker) return decoded;
  }
  throw invalidParameter(
    `Invalid marker: ${marker.slice(0, 200)}. Use the Marker of an earlier answer with the same filters and order, or none to start.`,
  );
}

function parsed(marker: string): unknown {
  try {
    return JSON.parse(Buffer.from(marker, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function listOf(value: unknown, length: number): readonly unknown[] | undefined {
  return Array.isArray(value) && value.length === length ? value : undefined;
}

function keyOf(value: unknown): InventoryKey | undefined {
  const [createdMs, no] = listOf(value, 2) ?? [];
  return isWhole(createdMs) && isWhole(no) ? { createdMs, no } : undefined;
}

function sortedOf(value: unknown): SortedScan | undefined {
  const [sinceMs, place, best] = listOf(value, 3) ?? [];
  const after = place === null ? null : sortPlaceOf(place);
  if (!isWhole(sinceMs) || after === undefined || !Array.isArray(best) || !best.every(isWhole))
    return undefined;
  return { sinceMs, after, best };
}

function sortPlaceOf(value: unknown): SortPlace | undefined {
  const [key, no] = listOf(value, 2) ?? [];
  const isKey = key === null || typeof key === 'string' || isWhole(key);
  return isKey && isWhole(no) ? { key, no } : undefined;
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
