import { join } from 'node:path';
import type { FileSystem } from '../../durable/file-system.ts';
import { flushFolder } from '../../durable/folder-flusher.ts';
import { exists } from '../../durable/names.ts';
import { realFileSystem } from '../../durable/real-file-system.ts';
import { replaceFile } from '../../durable/replace-file.ts';
import { isUnfinishedNote } from './notes.ts';
import { BLOB_FOLDERS, DiskPaths, isBlobName, isCompacting } from './paths.ts';
import { FORMAT_NAME, FORMAT_VERSION, isKnownVersion, readFormat } from './survey.ts';

const FORMAT = { format: FORMAT_NAME, version: FORMAT_VERSION };

/**
 * Creates missing folders of a disk store, also those that an older version lacks, and removes half-written files of
 * processes that died. One process calls this, before any other opens the store, and only after the start has decided
 * that this is the right store (`domain/start-decision.ts`).
 * @throws Error when the folder holds a store of an unknown format.
 */
export async function prepareDiskStore(folder: string, fs: FileSystem = realFileSystem): Promise<void> {
  const paths = new DiskPaths(folder, fs);
  await requireKnownFormat(paths);
  for (const name of [paths.incoming, paths.journal, paths.notes, paths.packs, paths.aside]) {
    await fs.makeFolder(name);
  }
  await makeBlobFolders(paths);
  await writeFormat(paths);
  // The folder above holds the store's own name.
  await Promise.all([paths.blobs, folder, join(folder, '..')].map((name) => flushFolder(fs, name)));
  await removeUnfinishedFiles(paths);
  for (const texts of [paths.notes, paths.aside]) {
    for (const name of await fs.names(texts)) if (isUnfinishedNote(name)) await fs.remove(join(texts, name));
  }
}

/** Flushes first: a blob's own name that was taken away must not come back when no incoming name tells of it. */
async function removeUnfinishedFiles(paths: DiskPaths): Promise<void> {
  const { fs, incoming } = paths;
  const names: string[] = [];
  for (const name of await fs.names(incoming)) if (await isUnfinishedFile(paths, name)) names.push(name);
  const folders = new Set(names.filter(isBlobName).map((name) => paths.blobFolder(name)));
  await Promise.all([...folders].map((folder) => flushFolder(fs, folder)));
  for (const name of names) await fs.remove(join(incoming, name));
}

/** Other names are not ours: they stay. */
async function isUnfinishedFile(paths: DiskPaths, name: string): Promise<boolean> {
  if (isCompacting(name)) return true;
  return isBlobName(name) && !(await exists(paths.fs, paths.blob(name)));
}

export async function makeBlobFolders(paths: DiskPaths): Promise<void> {
  await paths.fs.makeFolder(paths.blobs);
  const present = new Set(await paths.fs.names(paths.blobs));
  const missing = BLOB_FOLDERS.filter((name) => !present.has(name));
  await Promise.all(missing.map((name) => paths.fs.makeFolder(paths.blobFolder(name))));
}

async function requireKnownFormat(paths: DiskPaths): Promise<void> {
  const found = await readFormat(paths);
  if (found === undefined || (found.format === FORMAT_NAME && isKnownVersion(found.version))) return;
  throw new Error(unknownFormat(paths.format, JSON.stringify(found)));
}

/** The message for a store that this version cannot serve. @param path of `format.json`. @param found its content. */
function unknownFormat(path: string, found: string): string {
  return (
    `${path} says ${found}: this version of Moraine serves stores of the format ${FORMAT_NAME}, versions 1 to ${FORMAT_VERSION}, ` +
    'and no other. A newer version made it; start that one'
  );
}

/**
 * Writes `format.json`, whole or not at all: a server does not start with half a format. An older server would not find
 * all that is written from now on, so the new version makes it refuse the store.
 */
async function writeFormat(paths: DiskPaths): Promise<void> {
  if ((await readFormat(paths))?.version === FORMAT_VERSION) return;
  await replaceFile(paths.fs, paths.format, {
    temporary: paths.other('format.json.next'),
    write: (file) => file.writeWhole(`${JSON.stringify(FORMAT)}\n`),
  });
}
