import type { Disk } from './disk.ts';
import { ignoreErrors } from './errors.ts';

/**
 * Whether files in a folder can be written past the page cache, found out by writing one. Never throws.
 * @param path an unused name; nothing is left there. @param stage bytes to write, as long and as aligned as later ones.
 */
export async function takesDirect(disk: Disk, path: string, stage: Buffer): Promise<boolean> {
  try {
    const file = await disk.open(path, 'direct');
    try {
      await file.writeAt(0, stage);
      return true;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  } finally {
    await disk.remove(path).catch(ignoreErrors);
  }
}
