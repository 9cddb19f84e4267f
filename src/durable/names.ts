/** Names that may be missing. Every function throws the I/O error, unless it says that nothing has the name. */

import { isMissing, undefinedIfMissing } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';

/** Whether something has this name. */
export async function exists(fs: FileSystem, path: string): Promise<boolean> {
  return (await fs.stat(path).catch(undefinedIfMissing)) !== undefined;
}

/** Whether something has this name, as far as this process can see: an error counts as no. */
export function canSee(fs: FileSystem, path: string): Promise<boolean> {
  return exists(fs, path).catch(() => false);
}

/** Removes a name; false where there was none. */
export async function removeIfPresent(fs: FileSystem, path: string): Promise<boolean> {
  try {
    await fs.remove(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Opens a file for reading; undefined where there is none. */
export function openIfPresent(fs: FileSystem, path: string): Promise<OpenFile | undefined> {
  return fs.open(path, 'read').catch(undefinedIfMissing);
}

/** All bytes of a file; undefined where there is none. */
export function readIfPresent(fs: FileSystem, path: string): Promise<Buffer | undefined> {
  return fs.readFile(path).catch(undefinedIfMissing);
}

/** The text of a file, read as UTF-8; undefined where there is none. */
export async function readTextIfPresent(fs: FileSystem, path: string): Promise<string | undefined> {
  return (await readIfPresent(fs, path))?.toString('utf8');
}
