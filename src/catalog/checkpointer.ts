import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A checkpoint flushes pages scattered over the file and so slows commits: deleting an old archive of a large vault
 * dirties three pages that no other write shares. So it waits for a pause between commits.
 */
const PAUSE_MS = 100;
/** Without a pause, a checkpoint runs after this many writes. Each adds up to eight pages, 64 MiB of log in all. */
const WRITES_WITHOUT_PAUSE = 2048;

/**
 * Keeps a SQLite catalog's log short from a separate thread. SQLite itself would checkpoint within a commit, which
 * would then wait until pages scattered over a large file are written and flushed.
 */
export class Checkpointer {
  readonly #path: string;
  readonly #busyMs: number;
  readonly #pauseMs: number;
  #thread: Worker | undefined;
  #writes = 0;
  #isBusy = false;
  #pause: NodeJS.Timeout | undefined;

  /**
   * Starts nothing yet.
   * @param path of the database. @param busyMs how long to wait for another process. @param pauseMs time without
   * commits that counts as a pause.
   */
  constructor(path: string, busyMs: number, pauseMs = PAUSE_MS) {
    this.#path = path;
    this.#busyMs = busyMs;
    this.#pauseMs = pauseMs;
  }

  /** Notes a commit of this many writes. Never throws. */
  committed(writes: number): void {
    this.#writes += writes;
    if (this.#writes >= WRITES_WITHOUT_PAUSE) this.#checkpoint();
    this.#pause = this.#pause?.refresh() ?? setTimeout(() => this.#checkpoint(), this.#pauseMs).unref();
  }

  #checkpoint(): void {
    if (this.#isBusy || this.#writes === 0) return;
    this.#writes = 0;
    try {
      this.#thread ??= this.#start();
      this.#thread.postMessage('checkpoint');
      this.#isBusy = true;
    } catch {
      // The thread cannot start now; commits keep the log short themselves.
    }
  }

  /** Resolves when the thread has ended and closed the file. */
  async close(): Promise<void> {
    clearTimeout(this.#pause);
    await this.#thread?.terminate();
  }

  #start(): Worker {
    // `.ts` when the sources run, `.js` when built.
    const ending = extname(import.meta.filename) === '.ts' ? 'ts' : 'js';
    const url = new URL(`./checkpoint-thread.${ending}`, import.meta.url);
    const thread = new Worker(url, { workerData: { path: this.#path, busyMs: this.#busyMs } });
    thread.unref();
    thread.on('message', () => {
      this.#isBusy = false;
      // For commits made during the checkpoint, if none follow.
      this.#pause?.refresh();
    });
    // The next commit reports what is wrong with the file; commits keep the log short meanwhile.
    thread.on('error', () => {
      this.#isBusy = false;
      this.#thread = undefined;
    });
    return thread;
  }
}
