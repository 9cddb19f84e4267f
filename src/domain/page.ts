import { invalidParameter } from './errors.ts';

/** Where a list begins, and how many rows to return. */
export interface Paging<Key> {
  /** The list begins after this key; null begins at the first. */
  readonly after: Key | null;
  readonly limit: number;
}

/** One page of a list: the rows, and whether more follow the last of them. */
export interface Page<Row> {
  readonly rows: readonly Row[];
  readonly more: boolean;
}

/**
 * A parser for `limit`: `max` if absent; larger values are clamped, because old clients send the former 1,000.
 * @throws Refusal invalid when it is not a whole number of at least 1.
 */
export function limitParser(max: number): (raw: string | undefined) => number {
  return (raw) => {
    if (raw === undefined || raw === '') return max;
    const limit = /^\d+$/.test(raw) ? Number(raw) : 0;
    if (limit < 1)
      throw invalidParameter(`Invalid limit: ${raw}. It must be a whole number from 1 to ${max}.`);
    return Math.min(limit, max);
  };
}

/** An absent or empty marker starts at the beginning. */
export function parseMarker(raw: string | undefined): string | null {
  return raw === undefined || raw === '' ? null : raw;
}

/** The refusal of a marker that this server did not issue. */
export function invalidMarker(marker: string): Error {
  return invalidParameter(
    `Invalid marker: ${marker}. Use the Marker of an earlier answer, or none to start.`,
  );
}

/** Cuts `limit + 1` fetched rows to a page; the extra row only shows that there are more. */
export function toPage<Row>(fetched: readonly Row[], limit: number): Page<Row> {
  return { rows: fetched.slice(0, limit), more: fetched.length > limit };
}

/** An opaque marker for a list that is paged by number. `kind` keeps a marker from being used in another list. */
export function encodeMarker(kind: string, after: number): string {
  return Buffer.from(`${kind}:${after}`).toString('base64url');
}

/** The number in a marker of `encodeMarker`, null for the beginning. @throws Refusal invalid for any other text. */
export function decodeMarker(kind: string, marker: string | null): number | null {
  if (marker === null) return null;
  const [, number] =
    new RegExp(`^${kind}:(\\d{1,16})$`).exec(Buffer.from(marker, 'base64url').toString()) ?? [];
  if (number === undefined || encodeMarker(kind, Number(number)) !== marker) throw invalidMarker(marker);
  return Number(number);
}

/** Where an archive stands in its vault's inventory: by creation, then by number. */
export interface InventoryKey {
  readonly createdMs: number;
  readonly no: number;
}
