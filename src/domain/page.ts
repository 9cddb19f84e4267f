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

/** Where an archive stands in its vault's inventory: by creation, then by number. */
export interface InventoryKey {
  readonly createdMs: number;
  readonly no: number;
}
