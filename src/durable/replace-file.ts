import { dirname } from 'node:path';
import { ignoreErrors } from './errors.ts';
import type { FileSystem, OpenFile } from './file-system.ts';
import { flushFolder } from './folder-flusher.ts';
import { removeIfPresent } from './names.ts';

export interface Replacement {
  /** The name of the file while it is written, on the same file system. A file that has it is removed. */
  readonly temporary: string;
  /** Permissions of the file; 0o666 by default. */
  readonly permissions?: number;
  write(file: OpenFile): Promise<void>;
  /** Makes what was written durable; all of the file by default. */
  flush?(file: OpenFile): Promise<void>;
  /** Makes the new name durable; flushes its folder by default. */
  flushNames?(): Promise<void>;
}

/**
 * Writes a file, flushes it, renames it to `path` and flushes that name. A crash leaves the old file or the new one,
 * each whole. After an error before the rename, no temporary file is left. @throws the I/O error.
 */
export async function replaceFile(fs: FileSystem, path: string, replacement: Replacement): Promise<void> {
  const { temporary, permissions } = replacement;
  // Removed rather than overwritten: after a power cut, a file of this name may also be the one at `path`.
  await removeIfPresent(fs, temporary);
  const file = await fs.open(temporary, 'create', permissions);
  try {
    await writeFlushed(file, replacement);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.remove(temporary).catch(ignoreErrors);
    throw error;
  }
  await (replacement.flushNames?.() ?? flushFolder(fs, dirname(path)));
}

async function writeFlushed(file: OpenFile, replacement: Replacement): Promise<void> {
  try {
    await replacement.write(file);
    await (replacement.flush?.(file) ?? file.flush());
  } finally {
    await file.close();
  }
}
