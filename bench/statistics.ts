/** Medians and spans: what is shown of several rounds. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

/** @param samples at least one. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2;
  return { median, least: at(0), greatest: at(sorted.length - 1) };
}

/** Round by round, so that a slow minute of the machine is in both. */
export function ratiosOf(samples: readonly number[], references: readonly number[]): number[] {
  return samples.map((value, round) => value / (references[round] ?? Number.NaN));
}

/** The lowest of several references, round by round: what a figure can reach at best. */
export function leastOf(...all: readonly (readonly number[])[]): number[] {
  return (all[0] ?? []).map((_, round) => Math.min(...all.map((samples) => samples[round] ?? Number.NaN)));
}
