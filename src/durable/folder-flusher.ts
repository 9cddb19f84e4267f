import type { FileSystem } from './file-system.ts';
import { realFileSystem } from './real-file-system.ts';
import { SharedRun } from './shared-run.ts';

/** Runs a flush and remembers when it fails, because such a failure is final. */
export type Flush = (flush: () => Promise<void>) => Promise<void>;

const justFlush: Flush = (flush) => flush();

/**
 * Makes the names in a folder durable.
 * @param flush runs the flush itself, without opening the folder: a folder that cannot be opened now says nothing about
 * what is on disk, and may be opened later. @throws the I/O error.
 */
export async function flushFolder(fs: FileSystem, path: string, flush = justFlush): Promise<void> {
  const folder = await fs.open(path, 'read');
  try {
    await flush(() => folder.flush());
  } finally {
    await folder.close();
  }
}

/** Flushes one folder for many callers: those that wait at the same time share a flush. */
export class FolderFlusher {
  readonly #flushes: SharedRun;

  /** The folder is opened for each flush: a store has 256 of them, and a process may have few descriptors. */
  constructor(path: string, flush: Flush, fs: FileSystem = realFileSystem) {
    this.#flushes = new SharedRun(() => flushFolder(fs, path, flush));
  }

  /** Resolves when every name that was in the folder at the call survives a power cut. @throws the I/O error. */
  flush(): Promise<void> {
    return this.#flushes.run();
  }

  /** Resolves when no flush is in progress. */
  close(): Promise<void> {
    return this.#flushes.settled();
  }
}
