/** Rounds: all that is compared is measured one after the other, again and again, so that a slow minute hits all. */
import type { Measured } from './measured.ts';
import type { BenchOptions } from './section.ts';

/** What one of those that are compared gave in one round. */
export interface Sample {
  readonly value: number;
  /** Where the value comes from a run of the load generator. */
  readonly run?: Measured;
}

/** One of those that are compared. */
export interface Contender {
  readonly name: string;
  /** @param warming whether the result will not be counted. */
  measure(warming: boolean): Promise<Sample>;
}

/** What all gave, by name, in the order of the rounds. */
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

/** Measures all in every round; who begins changes with the round. `prepare` is called before each. */
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
