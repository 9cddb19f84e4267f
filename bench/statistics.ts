/** Medians and spans of several rounds. */

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly greatest: number;
}

/** The median, least and greatest. @param samples at least one. */
export function spreadOf(samples: readonly number[]): Spread {
  const sorted = samples.toSorted((a, b) => a - b);
  const at = (index: number) => sorted[index] ?? Number.NaN;
  const half = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? at(half) : (at(half - 1) + at(half)) / 2;
  return { median, least: at(0), greatest: at(sorted.length - 1) };
}

/** Ratios round by round, so that a slow minute of the machine affects both. */
export function ratiosOf(samples: readonly number[], references: readonly number[]): number[] {
  return samples.map((value, round) => value / (references[round] ?? Number.NaN));
}

/** The lowest of several references, round by round: the most that a figure can reach. */
export function leastOf(...all: readonly (readonly number[])[]): number[] {
  return (all[0] ?? []).map((_, round) => Math.min(...all.map((samples) => samples[round] ?? Number.NaN)));
}

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** Least number of samples for the interval of a median. With fewer, no pair of samples covers 95 %. */
export const LEAST_SAMPLES = 6;

/**
 * The interval that contains the true median with a probability of at least 95 %: two order statistics, chosen by the
 * binomial distribution. It assumes nothing about the distribution of the samples.
 * @param samples at least LEAST_SAMPLES.
 * @throws RangeError for fewer.
 */
export function medianInterval(samples: readonly number[]): Interval {
  const count = samples.length;
  if (count < LEAST_SAMPLES) throw new RangeError(`an interval needs ${LEAST_SAMPLES} samples (${count})`);
  const sorted = samples.toSorted((a, b) => a - b);
  // Sums the probability that at most `rank` samples are below the median, up to half of the remaining 5 %.
  let [below, term, rank] = [0, 0.5 ** count, 0];
  while (below + term <= 0.025) {
    below += term;
    term *= (count - rank) / (rank + 1);
    rank++;
  }
  return { low: sorted[rank - 1] ?? Number.NaN, high: sorted[count - rank] ?? Number.NaN };
}
