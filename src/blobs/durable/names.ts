import { type FileHandle, open, stat, unlink } from 'node:fs/promises';

/** Whether something has this name. @throws the I/O error. */
export function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false;
      throw error;
    },
  );
}

/** Removes a name; false when it was not there. @throws the I/O error. */
export async function removeIfPresent(path: string): Promise<boolean> {
  try {
    await unlink(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Opens a file for reading; undefined when it is not there. @throws the I/O error. */
export async function openIfPresent(path: string): Promise<FileHandle | undefined> {
  return open(path, 'r').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
}

/** Whether the disk could not read what it has. */
export function isReadError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'EIO';
}
