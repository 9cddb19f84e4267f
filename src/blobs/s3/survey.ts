/** Looks at what is where a store in a bucket should be, and changes nothing. */
import { COMMIT_NOTE, IDENTITY_FILE, OLDER_NOTE, type StoreFound } from '../../domain/store-identity.ts';
import { readS3Identity } from './identity.ts';
import { findJournalEnd } from './journal-reader.ts';
import { ENDS, FORMAT_KEY, JOURNAL, NOTES, PACKS } from './keys.ts';
import type { Objects } from './objects.ts';
import { FORMAT, isOurs, readFormat } from './prepare.ts';
import { ObjectTexts } from './texts.ts';

/** @throws NoteDamaged, the engine's error. */
export async function surveyS3Store(objects: Objects): Promise<StoreFound> {
  const format = await readFormat(objects);
  const identity = await readS3Identity(objects);
  const holdsBlobs = (await hasAny(objects, ENDS)) || (await hasAny(objects, PACKS));
  const holdsAnything = holdsBlobs || (await hasAny(objects, JOURNAL));
  if (format === undefined && identity === undefined && !holdsAnything)
    return { kind: 'none', what: (await hasAny(objects, '')) ? 'no store' : 'empty' };
  if (format && !isOurs(format)) return { kind: 'foreign', format: JSON.stringify(format) };
  const missing = [
    ...(format === undefined ? [FORMAT_KEY] : []),
    ...(identity === undefined ? [IDENTITY_FILE] : []),
  ];
  const formatVersion = FORMAT.version;
  return {
    kind: 'store',
    formatVersion,
    identity,
    missing,
    holdsBlobs,
    holdsAnything,
    ...(await readProgress(objects)),
  };
}

async function hasAny(objects: Objects, prefix: string): Promise<boolean> {
  for await (const _ of objects.list(prefix)) return true;
  return false;
}

/** Reads how far the store has come. */
async function readProgress(
  objects: Objects,
): Promise<{ commitNumber: number; lastEntrySeq: number; knowsOlder: boolean }> {
  // Writes nothing, so it needs no stamp.
  const notes = new ObjectTexts(objects, NOTES, () => ({ generation: 0, commitNumber: 0 }));
  const note = await notes.get(COMMIT_NOTE);
  const noted = note === undefined ? 0 : (JSON.parse(note) as { number: number }).number;
  const { seq, commitNumber } = await findJournalEnd(objects);
  return {
    commitNumber: Math.max(noted, commitNumber),
    lastEntrySeq: seq,
    knowsOlder: (await notes.get(OLDER_NOTE)) !== undefined,
  };
}
