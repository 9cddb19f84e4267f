/** Virtual time, and the order in which everything happens that could happen at any time. */
import type { Random } from './random.ts';

/** A process: its tasks and timers vanish when it dies. */
export interface Owner {
  readonly isDead: boolean;
}

/** Code that belongs to no process: the clients. */
const NOBODY: Owner = { isDead: false };

interface Task {
  readonly owner: Owner;
  run(): void;
}

/** What `setTimeout` returns, as far as the server uses it. */
class SimulatedTimer {
  readonly #loop: Loop;
  readonly #ms: number;
  readonly #task: Task;
  dueMs = 0;

  constructor(loop: Loop, ms: number, task: Task) {
    this.#loop = loop;
    this.#ms = ms;
    this.#task = task;
    this.refresh();
  }

  get task(): Task {
    return this.#task;
  }

  refresh(): this {
    this.dueMs = this.#loop.nowMs + this.#ms;
    this.#loop.timers.add(this);
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}

const { setTimeout: realTimeout, clearTimeout: realClear, setImmediate: realImmediate } = globalThis;

export class Loop {
  /** Virtual time since the loop began. */
  nowMs = 0;
  readonly timers = new Set<SimulatedTimer>();
  /** Whose code runs now. */
  owner: Owner = NOBODY;
  /** How many tasks ran. */
  turns = 0;
  #ready: Task[] = [];

  /** Replaces the global timers, so that real time plays no part. */
  install(): void {
    globalThis.setTimeout = this.#setTimeout as never;
    globalThis.clearTimeout = this.#clearTimeout as never;
    globalThis.setImmediate = this.#setImmediate as never;
  }

  uninstall(): void {
    globalThis.setTimeout = realTimeout;
    globalThis.clearTimeout = realClear;
    globalThis.setImmediate = realImmediate;
  }

  /** Adds a task that may run at any time from now on. */
  post(run: () => void, owner = this.owner): void {
    this.#ready.push({ owner, run });
  }

  /** Runs code of a process, and everything that follows from it at once. */
  async runAs(owner: Owner, run: () => void): Promise<void> {
    this.owner = owner;
    run();
    await this.#settle();
  }

  /**
   * Lets one thing happen: mostly a task that is ready, sometimes the next timer.
   * @param random chooses; without it, tasks run in order, and timers when no task is ready.
   * @returns false when nothing is left to happen.
   */
  async turn(random?: Random): Promise<boolean> {
    const firesEarly = random !== undefined && this.timers.size > 0 && random.chance(0.03);
    const task = (firesEarly ? undefined : this.#takeReady(random)) ?? this.#takeTimer();
    if (task === undefined) return false;
    if (task.owner.isDead) return true;
    this.turns++;
    await this.runAs(task.owner, () => task.run());
    return true;
  }

  /** Whether a task is ready. */
  get isBusy(): boolean {
    return this.#ready.length > 0;
  }

  /** Lets time pass at once; timers that fall due meanwhile are ready then. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#inOrder()) {
      if (timer.dueMs > this.nowMs) break;
      this.timers.delete(timer);
      this.#ready.push(timer.task);
    }
  }

  /** Forgets the tasks and timers of dead processes. */
  bury(): void {
    this.#ready = this.#ready.filter(({ owner }) => !owner.isDead);
    for (const timer of this.timers) if (timer.task.owner.isDead) this.timers.delete(timer);
  }

  /** Resolves when no promise is left to settle and no `nextTick` to run. */
  #settle(): Promise<void> {
    return new Promise((resolve) => realImmediate(resolve));
  }

  #takeReady(random: Random | undefined): Task | undefined {
    if (this.#ready.length === 0) return undefined;
    const at = random === undefined || random.chance(0.5) ? 0 : random.below(this.#ready.length);
    return this.#ready.splice(at, 1)[0];
  }

  #takeTimer(): Task | undefined {
    const [next] = this.#inOrder();
    if (next === undefined) return undefined;
    this.timers.delete(next);
    this.nowMs = Math.max(this.nowMs, next.dueMs);
    return next.task;
  }

  #inOrder(): SimulatedTimer[] {
    return [...this.timers].sort((a, b) => a.dueMs - b.dueMs);
  }

  readonly #setTimeout = (run: (...args: unknown[]) => void, ms = 1, ...args: unknown[]): SimulatedTimer =>
    new SimulatedTimer(this, Math.max(1, ms), { owner: this.owner, run: () => run(...args) });

  readonly #clearTimeout = (timer: SimulatedTimer | undefined): void => {
    if (timer) this.timers.delete(timer);
  };

  readonly #setImmediate = (run: (...args: unknown[]) => void, ...args: unknown[]): void =>
    this.post(() => run(...args));
}
