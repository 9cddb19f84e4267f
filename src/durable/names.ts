/** Names that may be missing. Every function throws the I/O error, unless it says that nothing has the name. */
import type { Disk, OpenFile } from './disk.ts';
import { isMissing, undefinedIfMissing } from './errors.ts';

/** Whether something has this name. */
export async function exists(disk: Disk, path: string): Promise<boolean> {
  return (await disk.stat(path).catch(undefinedIfMissing)) !== undefined;
}

/** Removes a name; false where there was none. */
export async function removeIfPresent(disk: Disk, path: string): Promise<boolean> {
  try {
    await disk.remove(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Opens a file for reading; undefined where there is none. */
export function openIfPresent(disk: Disk, path: string): Promise<OpenFile | undefined> {
  return disk.open(path, 'read').catch(undefinedIfMissing);
}

/** All bytes of a file; undefined where there is none. */
export function readIfPresent(disk: Disk, path: string): Promise<Buffer | undefined> {
  return disk.readFile(path).catch(undefinedIfMissing);
}

/** The text of a file, read as UTF-8; undefined where there is none. */
export async function readTextIfPresent(disk: Disk, path: string): Promise<string | undefined> {
  return (await readIfPresent(disk, path))?.toString('utf8');
}
