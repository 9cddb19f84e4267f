/** Timers that a test fires, for code that uses `setTimeout`, `refresh` and `clearTimeout`. */
import type { TestContext } from 'node:test';

interface ManualTimer {
  dueMs: number;
  readonly run: () => void;
  refresh(): ManualTimer;
}

export class ManualTimers {
  #nowMs = 0;
  readonly #running = new Set<ManualTimer>();

  /** Replaces the global timers until the test ends. */
  static install(t: TestContext): ManualTimers {
    const timers = new ManualTimers();
    t.mock.method(globalThis, 'setTimeout', timers.#set as never);
    t.mock.method(globalThis, 'clearTimeout', timers.#clear as never);
    return timers;
  }

  /** Advances the time and fires the timers that fall due. */
  pass(ms: number): void {
    this.#nowMs += ms;
    for (const timer of this.#running) {
      if (timer.dueMs > this.#nowMs) continue;
      this.#running.delete(timer);
      timer.run();
    }
  }

  readonly #set = (run: () => void, ms: number): ManualTimer => {
    const refresh = (): ManualTimer => {
      timer.dueMs = this.#nowMs + ms;
      this.#running.add(timer);
      return timer;
    };
    const timer: ManualTimer = { dueMs: 0, run, refresh };
    return refresh();
  };

  readonly #clear = (timer: ManualTimer): void => void this.#running.delete(timer);
}
