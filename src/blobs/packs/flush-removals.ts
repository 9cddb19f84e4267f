import { join } from 'node:path';
import { flushFile } from '../../durable/flush-file.ts';
import { flushFolder } from '../../durable/folder-flusher.ts';
import { type DiskPaths, packOfRemovals } from '../disk/paths.ts';

/**
 * Makes removals durable that a process may have written and not flushed. Until then, a blob that is removed may come back
 * after a power cut. @throws the I/O error.
 */
export async function flushRemovals({ fs, packs }: DiskPaths): Promise<void> {
  const flush = (run: () => Promise<void>) => run();
  for await (const { name } of await fs.list(packs))
    if (packOfRemovals(name) !== undefined) await flushFile(fs, join(packs, name), flush);
  await flushFolder(fs, packs);
}
