/** Steps to undo at the end, whatever happens: servers that were started, folders that were created. */

export class Undo {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** Adds a step. A step that is added during `run` is undone too. */
  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
    this.#running = this.#running?.then(() => this.#runAll());
  }

  /** Undoes all steps, the last one first, even if some fail. A second call waits for the first. */
  run(): Promise<void> {
    this.#running ??= this.#runAll();
    return this.#running;
  }

  async #runAll(): Promise<void> {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        console.error(`not undone: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  }
}
