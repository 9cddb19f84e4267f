/** Measures all contenders in turn, in several rounds, so that a slow minute affects all of them. */
import type { Measured } from './measured.ts';
import type { BenchOptions } from './section.ts';

/** The result of one contender in one round. */
export interface Sample {
  readonly value: number;
  /** Set if the value comes from a run of the load generator. */
  readonly run?: Measured;
}

/** One of the things compared. */
export interface Contender {
  readonly name: string;
  /** Measures once. @param warming whether the result does not count. */
  measure(warming: boolean): Promise<Sample>;
}

/** All results by name, in the order of the rounds. */
export class Results {
  readonly #samples = new Map<string, Sample[]>();

  add(name: string, sample: Sample): void {
    const samples = this.#samples.get(name);
    if (samples) samples.push(sample);
    else this.#samples.set(name, [sample]);
  }

  values(name: string): readonly number[] {
    return (this.#samples.get(name) ?? []).map(({ value }) => value);
  }

  runs(name: string): readonly Measured[] {
    return (this.#samples.get(name) ?? []).flatMap(({ run }) => (run ? [run] : []));
  }
}

/** Measures all contenders in every round; each round begins with a different one. Calls `prepare` before each. */
export async function contest(
  { rounds, progress }: Pick<BenchOptions, 'rounds' | 'progress'>,
  contenders: readonly Contender[],
  prepare: () => Promise<void> = async () => {},
): Promise<Results> {
  const results = new Results();
  for (let round = 0; round <= rounds; round++) {
    progress(round === 0 ? 'warming up' : `round ${round} of ${rounds}`);
    const first = round % contenders.length;
    for (const { name, measure } of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      await prepare();
      const sample = await measure(round === 0);
      if (round > 0) results.add(name, sample);
    }
  }
  return results;
}
