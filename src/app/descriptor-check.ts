/** Checks that a server may open enough files. */
import { SettingError } from '../config/errors.ts';
import type { Logger } from '../log.ts';
import { softLimit } from './descriptors.ts';

/** The least that the server and a few clients need. */
export const FEWEST_DESCRIPTORS = 64;
/** With fewer, some of a few hundred simultaneous clients get a 500. */
export const ENOUGH_DESCRIPTORS = 1024;

/**
 * Logs a warning if the limit of open files is low.
 * @param limits the text of `/proc/self/limits`; undefined on systems without it, where nothing is checked.
 * @throws SettingError when the limit is too low to serve at all.
 */
export function checkDescriptors(log: Logger, limits: string | undefined): void {
  const limit = softLimit(limits);
  if (limit === undefined) return;
  const advice = `raise it (ulimit -n ${ENOUGH_DESCRIPTORS}, or LimitNOFILE= of the service)`;
  if (limit < FEWEST_DESCRIPTORS) {
    throw new SettingError(
      `this process may have ${limit} files open, but a server needs at least ${FEWEST_DESCRIPTORS}: ${advice}`,
    );
  }
  if (limit < ENOUGH_DESCRIPTORS)
    log.warn(
      { limit },
      `the limit of open files is low: with many clients at once, some get a 500; ${advice}`,
    );
}
