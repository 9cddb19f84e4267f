/** Calls of the native addon with arguments of every kind. */
import type { Random } from '../simulator/random.ts';

type Addon = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;

/** Lengths at which the C code branches. */
const LENGTHS = [0, 1, 55, 63, 64, 65, 4095, 4096, 32 * 3, 1_048_575, 1_048_576, 1_048_577, 2_100_000];
const NUMBERS = [
  0,
  -0,
  1,
  -1,
  0.5,
  5,
  65_537,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32,
  2 ** 53,
  -(2 ** 63),
  1e300,
  NaN,
  Infinity,
];
/** Jobs that may wait at the same time. */
const MOST_JOBS = 32;

/** What the calls did. */
export interface CallTally {
  calls: number;
  /** Calls that threw. */
  refused: number;
  /** Jobs that called back. */
  jobs: number;
}

/** Makes random calls, each allowed to throw. A fault in the C code ends the process or is reported by a sanitizer. */
export class AddonCalls {
  readonly #addon: Addon;
  readonly #random: Random;
  /** Of a scratch file: no call reaches a file that is not ours. */
  readonly #fd: number;
  readonly #hashers: unknown[] = [];
  readonly tally: CallTally = { calls: 0, refused: 0, jobs: 0 };
  #waiting = 0;
  #onJob = () => {};

  constructor(addon: Addon, random: Random, fd: number) {
    this.#addon = addon;
    this.#random = random;
    this.#fd = fd;
  }

  /** @throws Error for a value that is thrown and is not an Error. */
  async run(calls: number): Promise<CallTally> {
    for (let left = calls; left > 0; left--) {
      while (this.#waiting >= MOST_JOBS) await this.#nextJob();
      this.#call();
    }
    while (this.#waiting > 0) await this.#nextJob();
    return this.tally;
  }

  #nextJob(): Promise<void> {
    return new Promise((resolve) => {
      this.#onJob = resolve;
    });
  }

  #call(): void {
    const [name, kinds] = this.#random.pick(CALLS) as (typeof CALLS)[number];
    // One argument in eight is of any kind, and sometimes the last ones are missing.
    const args = kinds.map((kind) => (this.#random.chance(0.125) ? this.#anything() : this.#argument(kind)));
    if (this.#random.chance(0.03)) args.pop();
    const starts = this.#waiting;
    this.tally.calls++;
    try {
      if (kinds.at(-1) === 'callback' && typeof args[kinds.length - 1] === 'function') this.#waiting++;
      this.#keep(this.#addon[name]?.(...args));
    } catch (error) {
      if (!(error instanceof Error)) throw new Error(`${name} threw ${error}`);
      this.tally.refused++;
      this.#waiting = starts;
    }
  }

  #keep(result: unknown): void {
    if (typeof result !== 'object' || result === null || ArrayBuffer.isView(result)) return;
    this.#hashers.push(result);
    if (this.#hashers.length > 8) this.#hashers.shift();
  }

  #argument(kind: Kind): unknown {
    switch (kind) {
      case 'hasher':
        return this.#random.pick(this.#hashers);
      case 'fd':
        return this.#fd;
      case 'position':
        return this.#random.below(1 << 20);
      case 'small':
        return 1 + this.#random.below(1 << 16);
      case 'bytes':
        return this.#bytes();
      case 'digests':
        return new Uint8Array(32 * (1 + this.#random.below(3)));
      case 'buffers':
        return this.#buffers();
      case 'callback':
        return () => {
          this.#waiting--;
          this.tally.jobs++;
          this.#onJob();
        };
    }
  }

  #bytes(): Uint8Array {
    const length = this.#random.pick(LENGTHS) ?? 0;
    const start = this.#random.below(3);
    return new Uint8Array(new ArrayBuffer(start + length), start);
  }

  #buffers(): unknown[] {
    const list: unknown[] = Array.from({ length: this.#random.below(5) }, () => this.#bytes());
    if (this.#random.chance(0.1)) list.splice(this.#random.below(list.length + 1), 0, this.#anything());
    // Reading the elements runs code that detaches one that was read before, makes the list longer, or throws.
    if (this.#random.chance(0.1))
      Object.defineProperty(list, list.length, { get: () => this.#disturb(list) });
    return list;
  }

  #disturb(list: unknown[]): unknown {
    const victim = list.find((one) => one instanceof Uint8Array && one.byteLength > 0) as
      | Uint8Array
      | undefined;
    if (victim && this.#random.chance(0.5))
      structuredClone(victim.buffer, { transfer: [victim.buffer as ArrayBuffer] });
    if (this.#random.chance(0.3)) list.push(...Array(1000).fill(null));
    if (this.#random.chance(0.3)) throw new Error('from the getter');
    return this.#bytes();
  }

  #anything(): unknown {
    const make = this.#random.pick<() => unknown>([
      () => undefined,
      () => null,
      () => 'text',
      () => 5n,
      () => Symbol('s'),
      () => ({}),
      () => ({ length: 5 }),
      () => new Array(2 ** 32 - 1),
      () => [[]],
      () => new Uint16Array(64),
      () => new DataView(new ArrayBuffer(64)),
      () => new Uint8Array(new SharedArrayBuffer(100)),
      () => new Uint8Array(new ArrayBuffer(100, { maxByteLength: 200 })),
      () => detached(),
      () => new Proxy(new Uint8Array(8), {}),
      () => this.#random.pick(this.#hashers),
      () => this.#random.pick(NUMBERS),
      () => this.#bytes(),
      () => [],
    ]);
    return make?.();
  }
}

function detached(): Uint8Array {
  const bytes = new Uint8Array(64);
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  return bytes;
}

type Kind = 'hasher' | 'fd' | 'position' | 'small' | 'bytes' | 'digests' | 'buffers' | 'callback';

/** The addon's functions, and what they take. */
const CALLS: readonly (readonly [name: string, kinds: readonly Kind[]])[] = [
  ['createPairHasher', []],
  ['updateSync', ['hasher', 'buffers']],
  ['update', ['hasher', 'buffers', 'callback']],
  ['writeAndHash', ['hasher', 'fd', 'position', 'buffers', 'callback']],
  ['digest', ['hasher']],
  ['hashLeavesSync', ['bytes', 'digests']],
  ['hashLeaves', ['bytes', 'digests', 'callback']],
  ['readAndHash', ['fd', 'position', 'bytes', 'digests', 'callback']],
  ['alignedBuffer', ['small']],
];
