import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';

/**
 * A checkpoint flushes pages from all over the file to the disk that the commits need: deleting an old archive of a
 * large vault dirties three that no other write shares. So it waits for a pause of the commits.
 */
const PAUSE_MS = 100;
/** Without a pause it comes after so many writes: each brings up to eight pages, so the log has up to 64 MiB then. */
const WRITES_WITHOUT_PAUSE = 2048;

/**
 * Keeps a SQLite catalog's log short from a thread of its own. SQLite would do it in the middle of some commit,
 * and whoever waits for that commit would wait for pages all over a large file to be written and flushed.
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
   * @param path of the database. @param busyMs how long to wait for another process. @param pauseMs without commits
   * count as a pause.
   */
  constructor(path: string, busyMs: number, pauseMs = PAUSE_MS) {
    this.#path = path;
    this.#busyMs = busyMs;
    this.#pauseMs = pauseMs;
  }

  /** So many writes were committed. Never throws. */
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
      // No room for a thread just now: commits keep the log short themselves.
    }
  }

  /** Resolves when the thread has ended and has the file open no more. */
  async close(): Promise<void> {
    clearTimeout(this.#pause);
    await this.#thread?.terminate();
  }

  #start(): Worker {
    // The sources run as they are, and built.
    const url = new URL(`./checkpoint-thread${extname(import.meta.filename)}`, import.meta.url);
    const thread = new Worker(url, { workerData: { path: this.#path, busyMs: this.#busyMs } });
    thread.unref();
    thread.on('message', () => {
      this.#isBusy = false;
      // For what was committed meanwhile, should nothing follow.
      this.#pause?.refresh();
    });
    // What is wrong with the file is told by the next commit, too, and commits keep the log short meanwhile.
    thread.on('error', () => {
      this.#isBusy = false;
      this.#thread = undefined;
    });
    return thread;
  }
}
