/** Ends a serving process that can open no file any more, so that the primary replaces it. */
import { open } from 'node:fs/promises';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const LOOK_PAUSE_MS = 1000;
/** Failures in a row: a shortage that passes is no reason to cut the requests under way. */
const FAILURES = 5;

/**
 * Looks whether a descriptor can be had. The system closes each connection that such a process accepts, and nothing
 * tells the process so.
 */
export class DescriptorWatch {
  readonly #probe: () => Promise<void>;
  readonly #onStarved: () => void;
  #failures = 0;

  /** @param probe opens something and closes it. @param onStarved called when it failed five times in a row. */
  constructor(probe: () => Promise<void>, onStarved: () => void) {
    this.#probe = probe;
    this.#onStarved = onStarved;
  }

  /** To be called every second. */
  async look(): Promise<void> {
    try {
      await this.#probe();
      this.#failures = 0;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EMFILE') return;
      this.#failures++;
      if (this.#failures === FAILURES) this.#onStarved();
    }
  }
}

/** Watches this process. */
export function watchDescriptors(onStarved: () => void): Scheduled {
  const probe = async (): Promise<void> => (await open('/dev/null')).close();
  const watch = new DescriptorWatch(probe, onStarved);
  return repeat(
    LOOK_PAUSE_MS,
    () => watch.look(),
    () => {},
  );
}
