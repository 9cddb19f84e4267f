import type { Archive } from './archive.ts';
import { quote } from './errors.ts';
import { type InventoryKey, invalidMarker } from './page.ts';

export type InventoryFormat = 'JSON' | 'CSV';

/** Which archives an inventory job lists, and how. */
export interface InventoryRequest {
  readonly format: InventoryFormat;
  /** Created at or after; ms since the epoch. */
  readonly startMs: number | null;
  /** Created before. */
  readonly endMs: number | null;
  readonly limit: number | null;
  /** As given: continue where an earlier job ended. */
  readonly marker: string | null;
}

/** An archive as an inventory shows it. */
export type InventoryEntry = Omit<Archive, 'vaultNo'>;

/** The last second formatted. Formatting each archive's anew took an eighth of an inventory's time. */
let lastDate = { second: Number.NaN, text: '' };

/** `2017-08-23T01:56:27Z`: the form of dates in inventories and their parameters. */
export function toInventoryDate(ms: number): string {
  const second = Math.floor(ms / 1000);
  // Inventories are in order of creation, and many archives often share a second.
  if (second !== lastDate.second) lastDate = { second, text: `${new Date(ms).toISOString().slice(0, 19)}Z` };
  return lastDate.text;
}

const MARKER = 'inventory';

/** An opaque marker, about as long as the service's. It is valid for inventories of its own vault. */
export function encodeInventoryMarker({ createdMs, no }: InventoryKey, vaultNo: number): string {
  const numbers = [createdMs, no, vaultNo].map((number) => String(number).padStart(16, '0'));
  return Buffer.from([MARKER, ...numbers].join(':').padEnd(101, ' ')).toString('base64url');
}

/**
 * Where the next inventory begins: strictly after this archive.
 * @throws Refusal invalid for any text that is no such marker.
 */
export function decodeInventoryMarker(marker: string): {
  readonly after: InventoryKey;
  readonly vaultNo: number;
} {
  const text = typeof marker === 'string' ? Buffer.from(marker, 'base64url').toString() : '';
  const match = /^inventory:(\d{16}):(\d{16}):(\d{16}) *$/.exec(text);
  const [createdMs = 0, no = 0, vaultNo = 0] = match?.slice(1).map(Number) ?? [];
  const after = { createdMs, no };
  if (match === null || encodeInventoryMarker(after, vaultNo) !== marker) throw invalidMarker(quote(marker));
  return { after, vaultNo };
}

/** @throws Refusal invalid for the marker of another vault's inventory, which would start at an arbitrary archive. */
export function requireOwnMarker({ marker }: InventoryRequest, vaultNo: number): void {
  if (marker !== null && decodeInventoryMarker(marker).vaultNo !== vaultNo)
    throw invalidMarker(quote(marker));
}

/** Writes an inventory's text, exactly as the service does. */
export interface InventoryWriter {
  /** Before the first archive. */
  head(vaultArn: string, dateMs: number): string;
  entry(entry: InventoryEntry, isFirst: boolean): string;
  tail(): string;
}

const JSON_WRITER: InventoryWriter = {
  head: (vaultArn, dateMs) =>
    `{"VaultARN":${JSON.stringify(vaultArn)},"InventoryDate":"${toInventoryDate(dateMs)}","ArchiveList":[`,
  // Dates and hashes need no escapes; an imported id or a description may.
  entry: (e, isFirst) =>
    `${isFirst ? '' : ','}{"ArchiveId":${JSON.stringify(e.id)},"ArchiveDescription":${JSON.stringify(e.description ?? '')},"CreationDate":"${toInventoryDate(e.createdMs)}","Size":${e.size},"SHA256TreeHash":"${e.treeHash}"}`,
  tail: () => ']}',
};

/**
 * Only the description is quoted. A quote in it becomes `\"` and a backslash stays as it is, so a description that ends
 * with a backslash is ambiguous, as on the service.
 */
const CSV_WRITER: InventoryWriter = {
  head: () => 'ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\n',
  entry: (e) =>
    `${e.id},"${(e.description ?? '').replaceAll('"', '\\"')}",${toInventoryDate(e.createdMs)},${e.size},${e.treeHash}\n`,
  tail: () => '',
};

export function inventoryWriter(format: InventoryFormat): InventoryWriter {
  return format === 'JSON' ? JSON_WRITER : CSV_WRITER;
}
