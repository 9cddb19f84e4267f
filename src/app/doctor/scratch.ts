import { join } from 'node:path';
import type { RandomBytes } from '../../domain/ids.ts';
import type { FileSystem } from '../../durable/file-system.ts';

/** Names of scratch areas begin with this. */
export const SCRATCH_PREFIX = 'doctor-';

/** Runs `work` with a new folder below `parent`, and removes the folder. @throws the errors of `work`, the I/O error. */
export async function withScratch<Result>(
  { fs, random }: { readonly fs: FileSystem; readonly random: RandomBytes },
  parent: string,
  work: (area: string) => Promise<Result>,
): Promise<Result> {
  const area = join(parent, `${SCRATCH_PREFIX}${random(8).toString('hex')}`);
  await fs.makeFolder(area);
  try {
    return await work(area);
  } finally {
    await fs.removeTree(area);
  }
}
