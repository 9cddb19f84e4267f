import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Bytes in the files of a folder's reserve; tolerates files that are removed meanwhile. */
export async function heldIn(folder: string): Promise<number> {
  let bytes = 0;
  for (const name of await readdir(folder)) {
    if (!/^reserve(\.\d)?$/.test(name)) continue;
    bytes += (await stat(join(folder, name)).catch(() => ({ size: 0 }))).size;
  }
  return bytes;
}
