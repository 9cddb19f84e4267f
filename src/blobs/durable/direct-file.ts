import { constants } from 'node:fs';
import { type FileHandle, open, unlink } from 'node:fs/promises';

/** Absent where the system does not have it (macOS). */
const { O_CREAT, O_DIRECT, O_WRONLY } = constants as {
  readonly O_CREAT: number;
  readonly O_DIRECT?: number;
  readonly O_WRONLY: number;
};

/**
 * Opens a file for writing past the page cache. Memory, positions and lengths of its writes must be multiples of 4096.
 * @throws the I/O error.
 */
export function openDirect(path: string): Promise<FileHandle> {
  return open(path, O_WRONLY | O_CREAT | (O_DIRECT ?? 0));
}

/**
 * Whether files in a folder can be written past the page cache, by trying it: some file systems refuse to open a
 * file so, and some only to write to it.
 * @param path of no file; there is none afterwards either. @param stage what is written. Never throws.
 */
export async function takesDirect(path: string, stage: Buffer): Promise<boolean> {
  if (O_DIRECT === undefined) return false;
  try {
    const file = await openDirect(path);
    try {
      return (await file.write(stage, 0, stage.length, 0)).bytesWritten === stage.length;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  } finally {
    await unlink(path).catch(() => {});
  }
}
