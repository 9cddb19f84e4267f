/**
 * Runs a task for many callers. Calls that wait at the same time share one run, and each is answered by a run that
 * began after it: a run in progress may have missed what its caller did just before.
 */
export class SharedRun {
  readonly #task: () => Promise<void>;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  /** @param task called again only after it settled. */
  constructor(task: () => Promise<void>) {
    this.#task = task;
  }

  /** Settles as the run does that began after this call. */
  run(): Promise<void> {
    this.#next ??= (this.#running ?? Promise.resolve()).catch(() => {}).then(() => this.#start());
    return this.#next;
  }

  /** Resolves when every run that was asked for has settled. Never throws. */
  async settled(): Promise<void> {
    await this.#next?.catch(() => {});
    await this.#running?.catch(() => {});
  }

  #start(): Promise<void> {
    this.#next = undefined;
    this.#running = this.#task();
    return this.#running;
  }
}
