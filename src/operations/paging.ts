import { invalidParameter } from '../domain/errors.ts';
import { invalidMarker } from '../domain/page.ts';

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
