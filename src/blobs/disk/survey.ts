/** Looks at what lies where a disk store should be, and changes nothing. */
import { opendir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { NoteDamaged } from '../../domain/blob-store.ts';
import {
  COMMIT_NOTE,
  type FoundStore,
  IDENTITY_FILE,
  OLDER_NOTE,
  type StoreFound,
} from '../../domain/store-identity.ts';
import { exists } from '../durable/names.ts';
import { decodeStamped } from '../durable/stamped-text.ts';
import { readIdentity } from './identity.ts';
import { findJournalEnd } from './journal.ts';
import { BLOB_FOLDERS, DiskPaths, isBlobName, packOfFile } from './paths.ts';

/** The form that is written. */
export const FORMAT_VERSION = 3;
export const FORMAT_NAME = 'moraine-store';
/** The first form with packs; there was no identity before form 3. */
const FIRST_VERSION_WITH_PACKS = 2;

/** What `format.json` says. @throws NoteDamaged when it is no JSON, the I/O error. */
export async function readFormat(
  paths: DiskPaths,
): Promise<{ format?: unknown; version?: unknown } | undefined> {
  if (!(await exists(paths.format))) return undefined;
  const text = await readFile(paths.format, 'utf8');
  try {
    return JSON.parse(text) as { format?: unknown; version?: unknown };
  } catch {
    throw new NoteDamaged(paths.format, text === '' ? 'it is empty' : 'it is no JSON');
  }
}

/** Whether this version can read it. */
export function isKnownVersion(version: unknown): version is number {
  return (
    typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= FORMAT_VERSION
  );
}

/** @param folder where the store should be. @throws NoteDamaged, the I/O error. */
export async function surveyDiskStore(folder: string): Promise<StoreFound> {
  const paths = new DiskPaths(folder);
  const names = await namesIn(folder);
  if (names === undefined) return { kind: 'none', what: 'not there' };
  const format = await readFormat(paths);
  const holdsBlobs = await hasBlobs(paths);
  const holdsAnything = holdsBlobs || (await hasFiles(paths.journal, (name) => name.endsWith('.jsonl')));
  const identity = await readIdentity(folder);
  if (format === undefined && identity === undefined && !holdsAnything) {
    // A first start that was cut short leaves some empty folders.
    const isEmpty = names.every((name) => name === 'lost+found');
    return { kind: 'none', what: isEmpty ? 'empty' : 'no store' };
  }
  const { version } = format ?? { version: FORMAT_VERSION };
  if (format && (format.format !== FORMAT_NAME || !isKnownVersion(version)))
    return { kind: 'foreign', format: JSON.stringify(format) };
  const formatVersion = version as number;
  const missing = await missingPieces(paths, formatVersion, format !== undefined, identity !== undefined);
  return {
    kind: 'store',
    formatVersion,
    identity,
    missing,
    holdsBlobs,
    holdsAnything,
    ...(await readProgress(paths)),
  };
}

/** How far the store has come. */
async function readProgress(
  paths: DiskPaths,
): Promise<Pick<FoundStore, 'commitNumber' | 'lastEntrySeq' | 'knowsOlder'>> {
  const none = { seq: 0, commitNumber: 0 };
  const journaled = (await exists(paths.journal)) ? await findJournalEnd(paths.journal) : none;
  const note = await noteIn(paths, COMMIT_NOTE);
  const noted = note === undefined ? 0 : (JSON.parse(note) as { number: number }).number;
  return {
    commitNumber: Math.max(journaled.commitNumber, noted),
    lastEntrySeq: journaled.seq,
    knowsOlder: (await noteIn(paths, OLDER_NOTE)) !== undefined,
  };
}

/** @throws NoteDamaged. */
async function noteIn(paths: DiskPaths, name: string): Promise<string | undefined> {
  const path = join(paths.notes, name);
  const content = await readFile(path, 'utf8').catch(missing);
  return content === undefined ? undefined : decodeStamped(path, content).text;
}

async function missingPieces(
  paths: DiskPaths,
  formatVersion: number,
  hasFormat: boolean,
  hasIdentity: boolean,
): Promise<string[]> {
  const missing: string[] = [];
  if (!hasFormat) missing.push('format.json');
  if (formatVersion === FORMAT_VERSION && !hasIdentity) missing.push(IDENTITY_FILE);
  const folders = ['journal', 'notes', ...(formatVersion >= FIRST_VERSION_WITH_PACKS ? ['packs'] : [])];
  for (const name of folders) if (!(await exists(paths.other(name)))) missing.push(name);
  const blobs = await namesIn(paths.blobs);
  if (blobs === undefined) missing.push('blobs');
  else missing.push(...BLOB_FOLDERS.filter((name) => !blobs.includes(name)).map((name) => `blobs/${name}`));
  return missing;
}

async function hasBlobs(paths: DiskPaths): Promise<boolean> {
  if (await hasFiles(paths.packs, (name) => packOfFile(name) !== undefined)) return true;
  for (const name of BLOB_FOLDERS) if (await hasFiles(paths.blobFolder(name), isBlobName)) return true;
  return false;
}

/** Whether the folder has such a name; not where there is no folder. Reads no further than the first. */
async function hasFiles(path: string, isOne: (name: string) => boolean): Promise<boolean> {
  const folder = await opendir(path).catch(missing);
  if (folder === undefined) return false;
  for await (const { name } of folder) if (isOne(name)) return true;
  return false;
}

async function namesIn(path: string): Promise<readonly string[] | undefined> {
  return readdir(path).catch(missing);
}

function missing(error: NodeJS.ErrnoException): undefined {
  // Nor is there anything below a file: the data folder's own path is judged where it is made.
  if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
}
