/** More runs than this are not kept. */
const MOST_RUNS = 100_000;

interface Run {
  first: number;
  last: number;
}

/** A set of whole numbers that come nearly in order. Its memory depends on how many gaps there are. */
export class NumberRanges {
  readonly #runs: Run[] = [];
  /** Whether there were too many gaps, so that the set is not whole. */
  #isIncomplete = false;

  get isIncomplete(): boolean {
    return this.#isIncomplete;
  }

  add(number: number): void {
    const at = this.#firstEndingFrom(number - 1);
    const run = this.#runs[at];
    if (run === undefined || run.first > number + 1) {
      if (this.#runs.length < MOST_RUNS) this.#runs.splice(at, 0, { first: number, last: number });
      else this.#isIncomplete = true;
      return;
    }
    run.first = Math.min(run.first, number);
    run.last = Math.max(run.last, number);
    const next = this.#runs[at + 1];
    if (next === undefined || next.first > run.last + 1) return;
    run.last = Math.max(run.last, next.last);
    this.#runs.splice(at + 1, 1);
  }

  has(number: number): boolean {
    const run = this.#runs[this.#firstEndingFrom(number)];
    return run !== undefined && run.first <= number;
  }

  /** What is missing between two numbers, both included. */
  *gaps(from: number, to: number): Generator<{ readonly first: number; readonly last: number }> {
    let next = from;
    for (let at = this.#firstEndingFrom(from); next <= to; at++) {
      const run = this.#runs[at];
      if (run === undefined || run.first > to) break;
      if (run.first > next) yield { first: next, last: run.first - 1 };
      next = run.last + 1;
    }
    if (next <= to) yield { first: next, last: to };
  }

  /** Index of the first run that ends at this number or later. */
  #firstEndingFrom(number: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#runs[middle] as Run).last < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
