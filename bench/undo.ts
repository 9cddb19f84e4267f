/** What must be undone, whatever happens: servers that were started, folders that were made. */

export class Undo {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #running: Promise<void> | undefined;

  /** What comes late, because something was just being started, is undone as well. */
  add(step: () => void | Promise<void>): void {
    this.#steps.push(step);
    this.#running = this.#running?.then(() => this.#runAll());
  }

  /** Last noted, first undone; a step that fails keeps none of the others. Called again, it waits for the first. */
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
