import { open } from 'node:fs/promises';

/** Runs a flush and remembers when it fails, because such a failure is final. */
export type Flush = (flush: () => Promise<void>) => Promise<void>;

/**
 * Makes names in a folder durable. Callers that wait at the same time share one flush: one that begins after
 * a name was made covers it.
 */
export class FolderFlusher {
  readonly #path: string;
  readonly #flush: Flush;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param flush runs the flush itself: that the folder cannot be opened just now says nothing of what is on disk, nor of the next time. */
  constructor(path: string, flush: Flush) {
    this.#path = path;
    this.#flush = flush;
  }

  /** Resolves when every name that was in the folder at the call survives a power cut. @throws the I/O error. */
  flush(): Promise<void> {
    // A flush under way may have begun before the caller's name was made: wait for the one after it.
    this.#next ??= (this.#running ?? Promise.resolve()).catch(() => {}).then(() => this.#start());
    return this.#next;
  }

  /** Resolves when no flush is under way. */
  async close(): Promise<void> {
    await this.#running?.catch(() => {});
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#sync();
    return this.#running;
  }

  /** The folder is open for the flush only: a store has 256 of them, and a process may have few descriptors. */
  async #sync(): Promise<void> {
    const handle = await open(this.#path, 'r');
    try {
      await this.#flush(() => handle.sync());
    } finally {
      await handle.close();
    }
  }
}
