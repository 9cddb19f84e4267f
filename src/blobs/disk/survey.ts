/** Examines the folder of a disk store without changing it. */
import { join } from 'node:path';
import { NoteDamaged } from '../../domain/blob-store.ts';
import {
  COMMIT_NOTE,
  type FoundStore,
  IDENTITY_FILE,
  OLDER_NOTE,
  type StoreFound,
} from '../../domain/store-identity.ts';
import { isMissing } from '../../durable/errors.ts';
import type { FileSystem } from '../../durable/file-system.ts';
import { exists, readTextIfPresent } from '../../durable/names.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { readIdentity } from './identity.ts';
import { findJournalEnd } from './journal-files.ts';
import { BLOB_FOLDERS, DiskPaths, isBlobName, packOfFile } from './paths.ts';
import { decodeStamped } from './stamped-text.ts';

/** The version that this program writes. */
export const FORMAT_VERSION = 3;
export const FORMAT_NAME = 'moraine-store';
/** The first version with packs. The identity came with version 3. */
const FIRST_VERSION_WITH_PACKS = 2;

/** An empty store has 256 empty folders: reading one after the other would take half of a start. */
const FOLDERS_AT_ONCE = 32;

/** Reads `format.json`; undefined if there is none. @throws NoteDamaged when it is not JSON, the I/O error. */
export async function readFormat(
  paths: DiskPaths,
): Promise<{ format?: unknown; version?: unknown } | undefined> {
  const text = await readTextIfPresent(paths.fs, paths.format);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as { format?: unknown; version?: unknown };
  } catch {
    throw new NoteDamaged(paths.format, text === '' ? 'it is empty' : 'it is not JSON');
  }
}

/** Whether this program can read stores of this version. */
export function isKnownVersion(version: unknown): version is number {
  return (
    typeof version === 'number' && Number.isInteger(version) && version >= 1 && version <= FORMAT_VERSION
  );
}

/** @param folder where the store should be. @throws NoteDamaged, the I/O error. */
export async function surveyDiskStore(folder: string, fs: FileSystem = realFileSystem): Promise<StoreFound> {
  const paths = new DiskPaths(folder, fs);
  const names = await namesIn(fs, folder);
  if (names === undefined) return { kind: 'none', what: 'not there' };
  const format = await readFormat(paths);
  const holdsBlobs = await hasBlobs(paths);
  const holdsAnything = holdsBlobs || (await hasFiles(fs, paths.journal, (name) => name.endsWith('.jsonl')));
  const identity = await readIdentity(folder, fs);
  if (format === undefined && identity === undefined && !holdsAnything) {
    // An interrupted first start leaves some empty folders.
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

/** Reads how far the store has come. */
async function readProgress(
  paths: DiskPaths,
): Promise<Pick<FoundStore, 'commitNumber' | 'lastEntrySeq' | 'knowsOlder'>> {
  const none = { seq: 0, commitNumber: 0 };
  const journaled = (await exists(paths.fs, paths.journal))
    ? await findJournalEnd(paths.journal, paths.fs)
    : none;
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
  const content = await paths.fs.readFile(path).catch(undefinedIfNone);
  return content === undefined ? undefined : decodeStamped(path, content.toString('utf8')).text;
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
  for (const name of folders) if (!(await exists(paths.fs, paths.other(name)))) missing.push(name);
  const blobs = await namesIn(paths.fs, paths.blobs);
  if (blobs === undefined) missing.push('blobs');
  else missing.push(...BLOB_FOLDERS.filter((name) => !blobs.includes(name)).map((name) => `blobs/${name}`));
  return missing;
}

async function hasBlobs(paths: DiskPaths): Promise<boolean> {
  const { fs } = paths;
  if (await hasFiles(fs, paths.packs, (name) => packOfFile(name) !== undefined)) return true;
  const present = new Set(await namesIn(fs, paths.blobs));
  const folders = BLOB_FOLDERS.filter((name) => present.has(name));
  for (let i = 0; i < folders.length; i += FOLDERS_AT_ONCE) {
    const some = folders.slice(i, i + FOLDERS_AT_ONCE);
    const found = await Promise.all(some.map((name) => hasFiles(fs, paths.blobFolder(name), isBlobName)));
    if (found.includes(true)) return true;
  }
  return false;
}

/** Whether the folder exists and has such a name. Reads no further than the first. */
async function hasFiles(fs: FileSystem, path: string, isOne: (name: string) => boolean): Promise<boolean> {
  const folder = await fs.list(path).catch(undefinedIfNone);
  if (folder === undefined) return false;
  for await (const { name } of folder) if (isOne(name)) return true;
  return false;
}

async function namesIn(fs: FileSystem, path: string): Promise<readonly string[] | undefined> {
  return fs.names(path).catch(undefinedIfNone);
}

/** A file on the way counts as nothing there: the code that makes the data folder reports it. */
function undefinedIfNone(error: unknown): undefined {
  const isBelowFile = (error as NodeJS.ErrnoException | null)?.code === 'ENOTDIR';
  if (!isMissing(error) && !isBelowFile) throw error;
}
