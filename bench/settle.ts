/** What comes right before a measurement, so that it does not pay for others. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './programs.ts';
import type { BenchOptions } from './section.ts';

const CHUNK = Buffer.alloc(2 ** 20);
/** Of what one measurement writes. */
const TIMES = 2;

/**
 * Flushes what others have written. Then fills the page cache with a file that never reaches the disk, and removes it:
 * a virtual machine gets its memory from the host page by page at first use, which is slower than the disk and would
 * be paid by whoever happens to be the first.
 */
export async function settle({ folder, sizes }: Pick<BenchOptions, 'folder' | 'sizes'>): Promise<void> {
  await runProgram('sync', []);
  const path = join(folder, 'settle');
  const file = openSync(path, 'w');
  for (let left = TIMES * sizes.piece * sizes.pieces; left > 0; left -= CHUNK.length) writeSync(file, CHUNK);
  closeSync(file);
  rmSync(path);
}
