/** A simulated process: runs its steps at once, later or never, and dies when it is told to. */
import type { FaultSource } from './faults.ts';
import type { Loop, Owner } from './loop.ts';
import type { Random } from './random.ts';
import { type Fault, isDurable, type Step, type Steps } from './steps.ts';

/** Thrown into code of a dead process where a promise cannot just stay open. */
class Dead extends Error {
  constructor() {
    super('this process is dead');
  }
}

interface ProcessDeps {
  readonly loop: Loop;
  /** Decides the order of steps; without it, every step runs at once. */
  readonly random?: Random | undefined;
  readonly faults?: FaultSource | undefined;
}

/** Steps that are not simply run at once. */
const DELAYED_SHARE = 0.3;

export class SimulatedProcess implements Owner, Steps {
  readonly #deps: ProcessDeps;
  #isDead = false;
  /** Durable steps so far. */
  durableSteps = 0;
  #dies: { readonly atStep: number; readonly isAfter: boolean } | undefined;

  constructor(deps: ProcessDeps) {
    this.#deps = deps;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Lets the process die at a durable step, counted from 0: before its effect, or after it. */
  dieAt(atStep: number, isAfter: boolean): void {
    this.#dies = { atStep, isAfter };
  }

  /** Lets it live on, although it was to die. */
  spare(): void {
    this.#dies = undefined;
  }

  /** Ends the process: nothing that it began goes on. */
  kill(): void {
    this.#isDead = true;
  }

  run<Result>(step: Step, effect: (fault?: Fault) => Result): Promise<Result> {
    if (this.#isDead) return never();
    const { random } = this.#deps;
    if (random === undefined || !random.chance(DELAYED_SHARE)) return this.#runNow(step, effect);
    // The effect comes first or the delay does: a crash may find it done but not known.
    if (random.chance(0.5)) {
      const done = this.#runNow(step, effect);
      done.catch(() => {});
      return this.#later(() => done);
    }
    return this.#later(() => this.#runNow(step, effect));
  }

  /** Runs a step that cannot wait: a commit. @throws Dead, and what the effect throws. */
  runSync<Result>(step: Step, effect: (fault?: Fault) => Result): Result {
    if (this.#isDead) throw new Dead();
    const result = this.#count(step, () => effect(this.#deps.faults?.take(step)));
    if (this.#isDead) throw new Dead();
    return result;
  }

  /** @throws Dead. */
  requireAlive(): void {
    if (this.#isDead) throw new Dead();
  }

  #later<Result>(run: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#deps.loop.post(() => void run().then(resolve, reject), this);
    });
  }

  #runNow<Result>(step: Step, effect: (fault?: Fault) => Result): Promise<Result> {
    if (this.#isDead) return never();
    try {
      const result = this.#count(step, () => effect(this.#deps.faults?.take(step)));
      return this.#isDead ? never() : Promise.resolve(result);
    } catch (error) {
      return this.#isDead ? never() : Promise.reject(error);
    }
  }

  /** Counts a durable step, and dies at the one that it is to die at. */
  #count<Result>(step: Step, run: () => Result): Result {
    if (!isDurable(step)) return run();
    const dies = this.#dies;
    const isLast = dies?.atStep === this.durableSteps++;
    if (isLast && !dies.isAfter) {
      this.kill();
      throw new Dead();
    }
    try {
      return run();
    } finally {
      if (isLast) this.kill();
    }
  }
}

function never<Result>(): Promise<Result> {
  return new Promise(() => {});
}
