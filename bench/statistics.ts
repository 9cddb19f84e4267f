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

export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** How many samples the interval of a median needs: with fewer, no pair of them covers 95 %. */
export const LEAST_SAMPLES = 6;

/**
 * The interval that holds the median of what the samples are drawn from with a probability of at least 95 %: the two
 * order statistics that the binomial distribution gives, whatever the distribution of the samples.
 * @param samples at least LEAST_SAMPLES.
 * @throws RangeError for fewer.
 */
export function medianInterval(samples: readonly number[]): Interval {
  const count = samples.length;
  if (count < LEAST_SAMPLES) throw new RangeError(`an interval needs ${LEAST_SAMPLES} samples (${count})`);
  const sorted = samples.toSorted((a, b) => a - b);
  // The probability that at most `rank` samples lie below the median, summed up to half of what may be missed.
  let [below, term, rank] = [0, 0.5 ** count, 0];
  while (below + term <= 0.025) {
    below += term;
    term *= (count - rank) / (rank + 1);
    rank++;
  }
  return { low: sorted[rank - 1] ?? Number.NaN, high: sorted[count - rank] ?? Number.NaN };
}
