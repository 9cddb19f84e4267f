/** The query parameters of ListArchives. An absent or empty one does not restrict. */
import { isHexHash } from '../../domain/archive.ts';
import type { ListingOrder } from '../../domain/archive-listing.ts';
import { invalidParameter } from '../../domain/errors.ts';
import { parseDate } from '../jobs/inventory-request.ts';
import { limitParser } from '../paging.ts';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 1000;
const MAX_TEXT_CHARS = 256;
const ORDERS: readonly ListingOrder[] = ['created', 'name', 'size'];

const limitUpToMax = limitParser(MAX_LIMIT);

/** 50 by default; larger values than 1,000 are clamped. @throws Refusal invalid. */
export function parseLimit(raw: string | undefined): number {
  return raw === undefined || raw === '' ? DEFAULT_LIMIT : limitUpToMax(raw);
}

export function parsePrefix(raw: string | undefined): string | null {
  return raw === undefined || raw === '' ? null : raw;
}

/** 1 to 256 characters. @throws Refusal invalid. */
export function parseText(raw: string | undefined): string | null {
  if (raw === undefined) return null;
  const chars = [...raw].length;
  if (chars >= 1 && chars <= MAX_TEXT_CHARS) return raw;
  throw invalidParameter(
    `Invalid contains: ${raw.slice(0, 300)}. It must have 1 to ${MAX_TEXT_CHARS} characters, not ${chars}.`,
  );
}

/** A time, in the forms that inventory jobs take. @throws Refusal invalid, on use. */
export function parseBound(name: string): (raw: string | undefined) => number | null {
  return (raw) => parseDate(name, raw);
}

/** Bytes. @throws Refusal invalid, on use. */
export function parseSize(name: string): (raw: string | undefined) => number | null {
  return (raw) => {
    if (raw === undefined || raw === '') return null;
    if (/^\d{1,15}$/.test(raw)) return Number(raw);
    throw invalidParameter(`Invalid ${name}: ${raw}. It must be a whole number of bytes.`);
  };
}

/** @throws Refusal invalid. */
export function parseWantedHash(raw: string | undefined): string | null {
  if (raw === undefined || raw === '') return null;
  const hash = raw.toLowerCase();
  if (isHexHash(hash)) return hash;
  throw invalidParameter(`Invalid tree-hash: ${raw}. It must have 64 hexadecimal digits.`);
}

/** @throws Refusal invalid. */
export function parseOrder(raw: string | undefined): ListingOrder {
  if (raw === undefined || raw === '') return 'created';
  const order = ORDERS.find((known) => known === raw);
  if (order !== undefined) return order;
  throw invalidParameter(`Invalid order: ${raw}. It must be created, name or size.`);
}

/** Whether the order is descending. @throws Refusal invalid. */
export function parseDirection(raw: string | undefined): boolean {
  if (raw === undefined || raw === '' || raw === 'asc') return false;
  if (raw === 'desc') return true;
  throw invalidParameter(`Invalid direction: ${raw}. It must be asc or desc.`);
}
