import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A checkpoint flushes pages to the same disk as the commits: many small ones keep each commit waiting less than a few
 * large ones. Deleting an old archive of a large vault dirties some six pages that no other write shares.
 */
const WRITES_PER_CHECKPOINT = 128;

/**
 * Keeps a SQLite catalog's log short from a thread of its own. SQLite would do it in the middle of some commit,
 * and whoever waits for that commit would wait for pages all over a large file to be written and flushed.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #busyMs: number;
  #thread: Worker | undefined;
  #writes = 0;
  #isBusy = false;

  /** Starts nothing yet. @param path of the database. @param busyMs how long to wait for another process. */
  constructor(path: string, busyMs: number) {
    this.#path = path;
    this.#busyMs = busyMs;
  }

  /** So many writes were committed. Never throws. */
  committed(writes: number): void {
    this.#writes += writes;
    if (this.#isBusy || this.#writes < WRITES_PER_CHECKPOINT) return;
    this.#writes = 0;
    try {
      this.#thread ??= this.#start();
      this.#thread.postMessage('checkpoint');
      this.#isBusy = true;
    } catch {
      // No room for a thread just now: commits keep the log short themselves.
    }
  }

  /** Resolves when the thread has ended and has the file open no more. */
  async close(): Promise<void> {
    await this.#thread?.terminate();
  }

  #start(): Worker {
    // The sources run as they are, and built.
    const url = new URL(`./checkpoint-thread${extname(import.meta.filename)}`, import.meta.url);
    const thread = new Worker(url, { workerData: { path: this.#path, busyMs: this.#busyMs } });
    thread.unref();
    thread.on('message', () => {
      this.#isBusy = false;
    });
    // What is wrong with the file is told by the next commit, too, and commits keep the log short meanwhile.
    thread.on('error', () => {
      this.#isBusy = false;
      this.#thread = undefined;
    });
    return thread;
  }
}
