import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Absent where the system does not have it (macOS). */
const { O_DIRECT, O_WRONLY } = constants as { readonly O_DIRECT?: number; readonly O_WRONLY: number };

/**
 * Opens a file that is there for writing past the page cache; undefined where the file system does not do that.
 * Memory, positions and lengths of its writes must be multiples of 4096.
 * @throws the I/O error.
 */
export async function openDirect(path: string): Promise<FileHandle | undefined> {
  if (O_DIRECT === undefined) return undefined;
  try {
    return await open(path, O_WRONLY | O_DIRECT);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EINVAL') return undefined;
    throw error;
  }
}
