import { ignoreErrors } from './errors.ts';
import type { FileSystem } from './file-system.ts';

/**
 * Whether files in a folder can be written past the page cache, found out by writing one. Never throws.
 * @param path an unused name; nothing is left there. @param stage bytes to write, as long and as aligned as later ones.
 */
export async function takesDirect(fs: FileSystem, path: string, stage: Buffer): Promise<boolean> {
  try {
    const file = await fs.open(path, 'direct');
    try {
      await file.writeAt(0, stage);
      return true;
    } finally {
      await file.close();
    }
  } catch {
    return false;
  } finally {
    await fs.remove(path).catch(ignoreErrors);
  }
}
