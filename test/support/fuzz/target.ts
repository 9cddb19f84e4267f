/** What the fuzzer runs: a parser with its properties. */

/** One parser, or several that read the same form. */
export interface FuzzTarget {
  /** Names its corpus file: lower-case letters and hyphens. */
  readonly name: string;
  /** Valid and nearly valid inputs to begin with. */
  readonly seeds: readonly Buffer[];
  /** Texts or bytes that the mutator inserts. */
  readonly dictionary: readonly (string | Buffer)[];
  /** Longest input, in bytes; 4,096 by default. */
  readonly maxBytes?: number;
  /**
   * Most blocks that one byte of input may execute; 200 by default. A parser that takes more than linear time exceeds it
   * on long inputs.
   */
  readonly blocksPerByte?: number;
  /** Parses the input and checks the properties. @throws anything if one does not hold. */
  run(input: Buffer): void;
}

/** An error that a parser documents. */
type Documented = new (...args: never[]) => Error;

/** The result of a parser; undefined if it threw an error that it documents. @throws any other error. */
export function outcomeOf<Result>(
  parse: () => Result,
  ...documented: readonly Documented[]
): Result | undefined {
  try {
    return parse();
  } catch (error) {
    if (documented.some((kind) => error instanceof kind)) return undefined;
    throw error;
  }
}
