import type { FileSystem } from './file-system.ts';
import type { Flush } from './folder-flusher.ts';
import { openIfPresent } from './names.ts';

/**
 * Makes the contents and the length of a file durable that another process may have changed; does nothing without one.
 * What was cut off it can come back after a power cut until then. @throws the I/O error.
 */
export async function flushFile(fs: FileSystem, path: string, flush: Flush): Promise<void> {
  const file = await openIfPresent(fs, path);
  if (file === undefined) return;
  try {
    await flush(() => file.flushData());
  } finally {
    await file.close();
  }
}
