/** Whether a server can live with the files that it may have open. */
import { SettingError } from '../config/errors.ts';
import type { Logger } from '../log.ts';
import { softLimit } from './descriptors.ts';

/** Fewer do not do for the server itself and a few clients. */
const FEWEST = 64;
/** With fewer, some hundred clients at once get a 500 now and then. */
const ENOUGH = 1024;

/**
 * Says so where the limit of open files is low.
 * @param limits the text of `/proc/self/limits`; undefined on systems without it, which are not judged.
 * @throws SettingError where it is too low to serve at all.
 */
export function checkDescriptors(log: Logger, limits: string | undefined): void {
  const limit = softLimit(limits);
  if (limit === undefined) return;
  const advice = `raise it (ulimit -n ${ENOUGH}, or LimitNOFILE= of the service)`;
  if (limit < FEWEST) {
    throw new SettingError(
      `this process may have ${limit} files open, and a server needs ${FEWEST} at least: ${advice}`,
    );
  }
  if (limit < ENOUGH)
    log.warn({ limit }, `few files may be open: with many clients at once some get a 500; ${advice}`);
}
