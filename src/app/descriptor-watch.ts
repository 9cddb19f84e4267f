/** Detects that a serving process can open no more files. It then ends, and the primary replaces it. */
import { open } from 'node:fs/promises';
import { repeat, type Scheduled } from '../workers/schedule.ts';

const LOOK_PAUSE_MS = 1000;
/** Consecutive failures before the process ends: a short shortage should not cut requests under way. */
const FAILURES = 5;

/**
 * Probes whether a descriptor is free. Without one, the system closes each connection that the process accepts, and the
 * process gets no error.
 */
export class DescriptorWatch {
  readonly #probe: () => Promise<void>;
  readonly #onStarved: () => void;
  #failures = 0;

  /** @param probe opens something and closes it. @param onStarved called when `probe` failed five times in a row. */
  constructor(probe: () => Promise<void>, onStarved: () => void) {
    this.#probe = probe;
    this.#onStarved = onStarved;
  }

  /** Must be called every second. */
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
