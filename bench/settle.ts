/** Prepares the machine right before a measurement, so that it does not pay for earlier work. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { runProgram } from './programs.ts';
import type { BenchOptions } from './section.ts';

const CHUNK = Buffer.alloc(2 ** 20);
/** Size of the file, in multiples of what one measurement writes. */
const TIMES = 2;

/**
 * Flushes all writes. Then fills the page cache with a file that never reaches the disk, and removes it: a virtual machine
 * gets memory from the host at first use, page by page, which is slower than the disk and would slow the first contender.
 */
export async function settle({ folder, sizes }: Pick<BenchOptions, 'folder' | 'sizes'>): Promise<void> {
  await runProgram('sync', []);
  const path = join(folder, 'settle');
  const file = openSync(path, 'w');
  for (let left = TIMES * sizes.piece * sizes.pieces; left > 0; left -= CHUNK.length) writeSync(file, CHUNK);
  closeSync(file);
  rmSync(path);
}
