import { invalidParameter, missingParameter, quote } from '../../domain/errors.ts';
import type { Tags } from '../../domain/tags.ts';

const TAGS_PER_REQUEST = 10;
const KEY_CHARS = 128;
const VALUE_CHARS = 256;
/**
 * Letters, digits and blanks of any script, and `_ . : / = + - @`. The API guide omits the colon, but the service stores
 * it (observed).
 */
const TAG_TEXT = /^[\p{L}\p{M}\p{N}\p{Zs}_.:/=+\-@]*$/u;

/** `Tags` of AddTagsToVault: 1..10 checked pairs. @throws Refusal. */
export function parseTags(raw: unknown): Tags {
  if (raw === undefined || raw === null) throw missingParameter('Tags');
  if (typeof raw !== 'object' || Array.isArray(raw))
    throw invalidParameter('Invalid Tags: it must be a map of key to value.');
  const pairs = Object.entries(raw);
  requireCount('Tags', pairs.length);
  return Object.fromEntries(pairs.map(([key, value]) => [requireKey(key), requireValue(key, value)]));
}

/** `TagKeys` of RemoveTagsFromVault: 1..10 checked keys. @throws Refusal. */
export function parseTagKeys(raw: unknown): readonly string[] {
  if (raw === undefined || raw === null) throw missingParameter('TagKeys');
  if (!Array.isArray(raw)) throw invalidParameter('Invalid TagKeys: it must be a list of keys.');
  requireCount('TagKeys', raw.length);
  return raw.map((key) => requireKey(key));
}

function requireCount(name: string, count: number): void {
  if (count >= 1 && count <= TAGS_PER_REQUEST) return;
  throw invalidParameter(`Invalid ${name}: ${count} given. A request takes 1 to ${TAGS_PER_REQUEST}.`);
}

function requireKey(key: unknown): string {
  if (typeof key !== 'string' || key === '' || [...key].length > KEY_CHARS || !TAG_TEXT.test(key)) {
    throw invalidParameter(
      `Invalid tag key: ${quote(key)}. It takes 1 to ${KEY_CHARS} letters, digits, spaces and _ . : / = + - @`,
    );
  }
  if (/^aws:/i.test(key))
    throw invalidParameter(`Invalid tag key: ${key}. Keys that begin with aws: are reserved.`);
  return key;
}

function requireValue(key: string, value: unknown): string {
  if (typeof value === 'string' && [...value].length <= VALUE_CHARS && TAG_TEXT.test(value)) return value;
  throw invalidParameter(
    `Invalid tag value for ${key}: ${quote(value)}. It takes up to ${VALUE_CHARS} letters, digits, spaces and _ . : / = + - @`,
  );
}
