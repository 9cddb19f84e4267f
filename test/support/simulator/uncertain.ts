/** What clients know of one value that they change, when requests overlap and some of them get no answer. */

/** A change under way, and how it may end. */
export interface Change {
  /** It was acknowledged. */
  succeed(): void;
  /** It was refused, and changed nothing. */
  refuse(): void;
  /** It got no answer that says whether it happened, and goes on no more. */
  lose(): void;
}

interface Running<Value> {
  readonly value: Value;
  /** Values of changes that ended, or may have, while this one ran. */
  readonly meanwhile: Set<Value>;
}

/** A value by what was acknowledged. */
export class Uncertain<Value> {
  /** Values that it has if none of the running changes happens. */
  #settled: Set<Value>;
  readonly #running = new Set<Running<Value>>();
  readonly #watches = new Set<Set<Value>>();

  constructor(...values: Value[]) {
    this.#settled = new Set(values);
  }

  /** Every value that it may have now. */
  get possible(): ReadonlySet<Value> {
    const all = new Set(this.#settled);
    for (const { value } of this.#running) all.add(value);
    return all;
  }

  may(value: Value): boolean {
    return this.possible.has(value);
  }

  /** Whether it has this value for certain. */
  must(value: Value): boolean {
    const { possible } = this;
    return possible.size === 1 && possible.has(value);
  }

  /** Its value, if that is certain. */
  get only(): Value | undefined {
    const { possible } = this;
    return possible.size === 1 ? [...possible][0] : undefined;
  }

  get isChanging(): boolean {
    return this.#running.size > 0;
  }

  begin(value: Value): Change {
    const own: Running<Value> = { value, meanwhile: new Set() };
    this.#running.add(own);
    for (const watch of this.#watches) watch.add(value);
    const end = (happened: (settled: Set<Value>) => Set<Value>): void => {
      if (!this.#running.delete(own)) return;
      this.#settled = happened(this.#settled);
    };
    const tellOthers = (): void => {
      for (const other of this.#running) other.meanwhile.add(value);
    };
    return {
      succeed: () => {
        // Changes that ended meanwhile may have come after this one.
        end(() => new Set([value, ...own.meanwhile]));
        tellOthers();
      },
      refuse: () => end((settled) => settled),
      lose: () => {
        end((settled) => new Set([...settled, value]));
        tellOthers();
      },
    };
  }

  /** Starts to collect every value that it may have from now on, until `unwatch`. */
  watch(): ReadonlySet<Value> {
    const seen = new Set(this.possible);
    this.#watches.add(seen);
    return seen;
  }

  unwatch(seen: ReadonlySet<Value>): void {
    this.#watches.delete(seen as Set<Value>);
  }

  /** Adds a value that it may have, after something that nobody can judge. */
  allow(value: Value): void {
    this.#settled.add(value);
    for (const watch of this.#watches) watch.add(value);
  }

  /** The values that it may have if nothing goes on, to be put back by `restore`. */
  snapshot(): readonly Value[] {
    return [...this.#settled];
  }

  /** Puts back a snapshot: what it belongs to was replaced by an earlier state. No change may be running. */
  restore(values: readonly Value[]): void {
    this.#settled = new Set(values);
  }

  /** Notes a value that was read while no change ran. */
  settle(value: Value): void {
    if (!this.isChanging) this.#settled = new Set([value]);
  }
}
