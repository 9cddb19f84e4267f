import { invalidParameter, quote } from '../../domain/errors.ts';
import {
  decodeInventoryMarker,
  type InventoryFormat,
  type InventoryRequest,
} from '../../domain/inventory.ts';
import { parseIsoDate } from '../iso-date.ts';

/** `Format`: JSON by default. @throws Refusal invalid. */
export function parseFormat(raw: unknown): InventoryFormat {
  if (raw === undefined || raw === null) return 'JSON';
  if (raw === 'JSON' || raw === 'CSV') return raw;
  throw invalidParameter(`Invalid Format: ${quote(raw)}. It must be JSON or CSV.`);
}

/** `InventoryRetrievalParameters`; null and absent members do not restrict. @throws Refusal invalid. */
export function parseInventoryRequest(format: InventoryFormat, raw: unknown): InventoryRequest {
  if (raw !== undefined && raw !== null && (typeof raw !== 'object' || Array.isArray(raw))) {
    throw invalidParameter('Invalid InventoryRetrievalParameters: it must be an object.');
  }
  const members = (raw ?? {}) as Record<string, unknown>;
  const startMs = parseDate('StartDate', members['StartDate']);
  const endMs = parseDate('EndDate', members['EndDate']);
  if (startMs !== null && endMs !== null && startMs >= endMs) {
    throw invalidParameter(
      `Invalid StartDate: ${quote(members['StartDate'])} is not before EndDate: ${quote(members['EndDate'])}`,
    );
  }
  const given = members['Marker'] as string | null | undefined;
  const marker = given === undefined || given === '' ? null : given;
  if (marker !== null) decodeInventoryMarker(marker);
  return { format, startMs, endMs, limit: parseLimit(members['Limit']), marker };
}

/** A string or a number on the wire (old clients send numbers). */
function parseLimit(raw: unknown): number | null {
  if (raw === undefined || raw === null || raw === '') return null;
  const text = typeof raw === 'number' || typeof raw === 'string' ? String(raw) : '';
  const limit = /^\d{1,15}$/.test(text) ? Number(text) : 0;
  if (limit >= 1) return limit;
  throw invalidParameter(`Invalid Limit: ${quote(raw)}. It must be a whole number of at least 1.`);
}

/** ISO 8601 with seconds; a missing zone is UTC, as one old client sends it. Null if absent. @throws Refusal invalid. */
export function parseDate(name: string, raw: unknown): number | null {
  if (raw === undefined || raw === null || raw === '') return null;
  const ms = typeof raw === 'string' ? parseIsoDate(raw) : undefined;
  if (ms !== undefined) return ms;
  throw invalidParameter(`Invalid ${name}: ${quote(raw)}. It must be a date such as 2013-03-20T17:03:43Z.`);
}
