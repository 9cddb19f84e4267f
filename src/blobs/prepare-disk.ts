import { mkdir, open, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isHalfNote } from './disk-notes.ts';
import { DiskPaths, isBlobName, isCompacting } from './disk-paths.ts';
import { exists } from './file-names.ts';

const FORMAT = { format: 'moraine-store', version: 2 };
/** Version 1 had no packs; everything in it is as in version 2. */
const OLDER_VERSION = 1;

/**
 * Makes or checks the folders of a disk store and removes half-written files of processes that died. One
 * process does this before any other opens the store.
 * @throws Error when the folder holds a store of another format.
 */
export async function prepareDiskStore(folder: string): Promise<void> {
  const paths = new DiskPaths(folder);
  for (const name of [paths.incoming, paths.journal, paths.notes, paths.packs]) {
    await mkdir(name, { recursive: true });
  }
  await makeBlobFolders(paths);
  await checkFormat(paths);
  // The store's own name, too: it stands in the folder above.
  for (const name of [paths.blobs, folder, join(folder, '..')]) await flushOnce(name);
  for (const name of await readdir(paths.incoming)) {
    if (await isHalfWritten(paths, name)) await unlink(join(paths.incoming, name));
  }
  for (const name of await readdir(paths.notes)) {
    if (isHalfNote(name)) await unlink(join(paths.notes, name));
  }
}

/** What is not ours is left alone. */
async function isHalfWritten(paths: DiskPaths, name: string): Promise<boolean> {
  if (isCompacting(name)) return true;
  return isBlobName(name) && !(await exists(paths.blob(name)));
}

export async function makeBlobFolders(paths: DiskPaths): Promise<void> {
  for (let i = 0; i < 256; i++) {
    await mkdir(paths.blobFolder(i.toString(16).padStart(2, '0')), { recursive: true });
  }
}

async function checkFormat(paths: DiskPaths): Promise<void> {
  const path = paths.format;
  if (!(await exists(path))) await writeFormat(paths);
  const found = JSON.parse(await readFile(path, 'utf8')) as Partial<typeof FORMAT>;
  const isOurs = found.format === FORMAT.format;
  if (isOurs && found.version === FORMAT.version) return;
  if (isOurs && found.version === OLDER_VERSION) {
    // From now on there may be packs, which a server of the older version would not find.
    await writeFormat(paths);
    return;
  }
  throw new Error(
    `${path} is not of format ${FORMAT.format} version ${FORMAT.version}: ${JSON.stringify(found)}`,
  );
}

/** Whole or not at all: a server does not start over half a format. */
async function writeFormat(paths: DiskPaths): Promise<void> {
  const next = paths.other('format.json.next');
  await writeFile(next, `${JSON.stringify(FORMAT)}\n`, { flush: true });
  await rename(next, paths.format);
}

async function flushOnce(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await folder.sync();
  await folder.close();
}
