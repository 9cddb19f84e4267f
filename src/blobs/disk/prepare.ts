import { mkdir, open, readdir, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exists } from '../durable/names.ts';
import { isUnfinishedNote } from './notes.ts';
import { BLOB_FOLDERS, DiskPaths, isBlobName, isCompacting } from './paths.ts';
import { FORMAT_NAME, FORMAT_VERSION, isKnownVersion, readFormat } from './survey.ts';

const FORMAT = { format: FORMAT_NAME, version: FORMAT_VERSION };

/**
 * Makes the folders of a disk store, or of what an older form lacks, and removes half-written files of processes that
 * died. One process does this before any other opens the store, and after it was decided that this is the store that
 * is meant (`domain/start-decision.ts`): here, what is missing is made.
 * @throws Error when the folder holds a store of another format.
 */
export async function prepareDiskStore(folder: string): Promise<void> {
  const paths = new DiskPaths(folder);
  await requireKnownFormat(paths);
  for (const name of [paths.incoming, paths.journal, paths.notes, paths.packs, paths.aside]) {
    await mkdir(name, { recursive: true });
  }
  await makeBlobFolders(paths);
  await writeFormat(paths);
  // The store's own name, too: it stands in the folder above.
  for (const name of [paths.blobs, folder, join(folder, '..')]) await flushFolder(name);
  for (const name of await readdir(paths.incoming)) {
    if (await isUnfinishedFile(paths, name)) await unlink(join(paths.incoming, name));
  }
  for (const texts of [paths.notes, paths.aside]) {
    for (const name of await readdir(texts)) if (isUnfinishedNote(name)) await unlink(join(texts, name));
  }
}

/** What is not ours is left alone. */
async function isUnfinishedFile(paths: DiskPaths, name: string): Promise<boolean> {
  if (isCompacting(name)) return true;
  return isBlobName(name) && !(await exists(paths.blob(name)));
}

export async function makeBlobFolders(paths: DiskPaths): Promise<void> {
  for (const name of BLOB_FOLDERS) await mkdir(paths.blobFolder(name), { recursive: true });
}

async function requireKnownFormat(paths: DiskPaths): Promise<void> {
  const found = await readFormat(paths);
  if (found === undefined || (found.format === FORMAT_NAME && isKnownVersion(found.version))) return;
  throw new Error(unknownFormat(paths.format, JSON.stringify(found)));
}

/** Said of a store that this version cannot serve. @param path of `format.json`. @param found what it says. */
function unknownFormat(path: string, found: string): string {
  return (
    `${path} says ${found}: this version of Moraine serves stores of the format ${FORMAT_NAME}, versions 1 to ${FORMAT_VERSION}, ` +
    'and no other. A newer version made it; start that one'
  );
}

/**
 * Whole or not at all: a server does not start over half a format. From now on there may be what a server of an older
 * form would not find, so it must refuse the store.
 */
async function writeFormat(paths: DiskPaths): Promise<void> {
  if ((await readFormat(paths))?.version === FORMAT_VERSION) return;
  const next = paths.other('format.json.next');
  await writeFile(next, `${JSON.stringify(FORMAT)}\n`, { flush: true });
  await rename(next, paths.format);
}

async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}
