/** The interface of the benchmark's sections. */

/** The input of a section. */
export interface BenchOptions {
  /** Number of rounds. Each round measures all contenders in turn. */
  readonly rounds: number;
  /** Whether this is a smoke test, with sizes so small that the figures mean nothing. */
  readonly quick: boolean;
  readonly sizes: Sizes;
  /** An empty folder on a real disk for this section; removed when the section ends. */
  readonly folder: string;
  /** Registers a step to undo when the section ends, also after a failure or Ctrl-C. The last one runs first. */
  atEnd(undo: () => void | Promise<void>): void;
  /** Prints progress on standard error. */
  progress(text: string): void;
}

/** Sizes, which the command line can set. */
export interface Sizes {
  /** Size of one piece of a large archive in bytes: a power of two, at least 1 MiB. */
  readonly piece: number;
  /** Number of pieces of a large archive. */
  readonly pieces: number;
  /** Number of small archives in a round. */
  readonly small: number;
}

/** One figure, compared with one reference. A figure with several references has several rows. */
export interface Row {
  readonly name: string;
  /** Such as `MB/s` (a million bytes), `1/s`, `ms`, `MiB`. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** One sample for each round, in order. Reports show medians and spans of them. */
  readonly samples: readonly number[];
  /** The reference; its samples come from the same rounds, in the same order. */
  readonly reference?: Reference;
  /** The project's target; shown with the figure, never asserted. */
  readonly target?: Target;
  /** Processor time of all processes of the server per request or GiB, s; one for each round. */
  readonly serverCpu?: Cost;
  /** Share of one core that the load generator used, 0 to 1 or more; one for each round. */
  readonly loadCpu?: readonly number[];
  /** What a reader must know to understand the figure. */
  readonly note?: string;
}

export interface Reference {
  readonly name: string;
  readonly samples: readonly number[];
}

/** `ratio` is to the row's reference, `absolute` in the row's unit. */
export type Target =
  | { readonly kind: 'ratio'; readonly value: number }
  | { readonly kind: 'absolute'; readonly value: number };

export interface Cost {
  readonly per: 'request' | 'GiB';
  /** Seconds of processor time. */
  readonly samples: readonly number[];
}

/** A section of the report, and how to measure its rows. */
export interface Section {
  /** Its name on the command line. */
  readonly name: string;
  /** One or two sentences for the report: what is measured, and the references. */
  readonly about: string;
  run(options: BenchOptions): Promise<readonly Row[]>;
}
