/** The keys of a store in a bucket, below its prefix (docs/format.md, "In an object store"). */
import { isBlobName } from '../disk/paths.ts';

export const FORMAT_KEY = 'format.json';
export const IDENTITY_KEY = 'identity.json';
export const DATA = 'data/';
export const ENDS = 'ends/';
export const PACKS = 'packs/';
export const JOURNAL = 'journal/';
export const NOTES = 'notes/';
export const ASIDE = 'aside/';
export const INCOMING = 'incoming/';

const PACK_KEY = /^packs\/([0-9a-f]{32})\.pack$/;
const REMOVAL_KEY = /^packs\/([0-9a-f]{32})\.removed\/(0|[1-9]\d{0,14})\.([1-9]\d{0,9})$/;
const JOURNAL_KEY = /^journal\/([0-9a-f]{32})\/(\d{12})\.jsonl$/;

export function dataKey(name: string): string {
  return `${DATA}${name}`;
}

export function endKey(name: string): string {
  return `${ENDS}${name}`;
}

/** The blob whose end has this key; undefined for the key of anything else. */
export function nameOfEnd(key: string): string | undefined {
  const name = key.slice(ENDS.length);
  return isBlobName(name) ? name : undefined;
}

export function packKey(pack: string): string {
  return `${PACKS}${pack}.pack`;
}

/** The pack that has this key. */
export function packOfKey(key: string): string | undefined {
  return PACK_KEY.exec(key)?.[1];
}

/** The keys of all removals of a pack begin with this. @param place of one record, for its removal alone. */
export function removalsPrefix(pack: string, place?: number): string {
  return `${PACKS}${pack}.removed/${place === undefined ? '' : `${place}.`}`;
}

export function removalKey(pack: string, place: number, blobBytes: number): string {
  return `${removalsPrefix(pack, place)}${blobBytes}`;
}

/** What the key of a removal says. */
export function parseRemoval(key: string): { pack: string; place: number; blobBytes: number } | undefined {
  const [, pack, place, blobBytes] = REMOVAL_KEY.exec(key) ?? [];
  return pack === undefined ? undefined : { pack, place: Number(place), blobBytes: Number(blobBytes) };
}

/** @param last number of the last group in the object. */
export function journalKey(run: string, last: number): string {
  return `${JOURNAL}${run}/${String(last).padStart(12, '0')}.jsonl`;
}

/** The run and number of an object of the journal. */
export function parseJournalKey(key: string): { run: string; last: number } | undefined {
  const [, run, last] = JOURNAL_KEY.exec(key) ?? [];
  return run === undefined ? undefined : { run, last: Number(last) };
}
