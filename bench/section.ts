/** What the sections of the benchmark have in common: what they are given, and what they hand back. */

/** What a section is given. */
export interface BenchOptions {
  /** How often everything is measured. Within a round all that is compared is measured one after the other. */
  readonly rounds: number;
  /** A smoke test: sizes so small that the figures say nothing. */
  readonly quick: boolean;
  readonly sizes: Sizes;
  /** An empty folder on a real disk, this section's own; it is removed when the section has ended. */
  readonly folder: string;
  /** Notes what must be undone when the section ends, also after a failure or Ctrl-C. Last noted, first undone. */
  atEnd(undo: () => void | Promise<void>): void;
  /** Tells on standard error how far it is. */
  progress(text: string): void;
}

/** How much is moved; each can be given on the command line. */
export interface Sizes {
  /** Bytes of one piece of a large archive: a power of two of at least a MiB. */
  readonly piece: number;
  /** Pieces of a large archive. */
  readonly pieces: number;
  /** Small archives in a round. */
  readonly small: number;
}

/** One thing that is measured, against one other. Figures held against several others are several rows. */
export interface Row {
  readonly name: string;
  /** Such as `MB/s` (a million bytes), `1/s`, `ms`, `MiB`. */
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** One for each round, in order. Medians and spans are made of them where they are shown. */
  readonly samples: readonly number[];
  /** What the figure is held against: its samples come from the same rounds, in the same order. */
  readonly reference?: Reference;
  /** What the project wants; shown beside the figure, never asserted. */
  readonly target?: Target;
  /** Processor time of all processes of the server, for each request or GiB; s. One for each round. */
  readonly serverCpu?: Cost;
  /** The share of one core that the load generator took, 0..1 or more. One for each round. */
  readonly loadCpu?: readonly number[];
  /** What a reader must know to take the figure for what it is. */
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

/** Where a section's rows stand in the report, and how they come about. */
export interface Section {
  /** As it is named on the command line. */
  readonly name: string;
  /** One or two sentences for the report: what is measured, and against what. */
  readonly about: string;
  run(options: BenchOptions): Promise<readonly Row[]>;
}
