import type { Catalog } from '../domain/catalog.ts';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const LOOK_PAUSE_MS = 60_000;
/** More damage counts as so much: health need not say how much exactly. */
const COUNTED = 1000;

/** Knows how much damage is on record, for health. */
export class DamageWatch {
  readonly #catalog: Pick<Catalog, 'countDamage'>;
  #count = 0;

  constructor(catalog: Pick<Catalog, 'countDamage'>) {
    this.#catalog = catalog;
  }

  /** Damaged ranges on record when it last looked, at most 1000. No I/O. */
  get count(): number {
    return this.#count;
  }

  /** @throws the catalog's error. */
  async look(): Promise<void> {
    this.#count = (await this.#catalog.countDamage(COUNTED)).damages;
  }

  /** Looks now and each minute. */
  schedule(onError: (error: unknown) => void): Scheduled {
    return repeat(LOOK_PAUSE_MS, () => this.look(), onError, 0);
  }
}
