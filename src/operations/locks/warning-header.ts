import type { LockWarning } from '../../domain/policy/lock-check.ts';

/** Room for some sentences, and well below the header limits of proxies. */
const MAX_CHARS = 2000;

/**
 * `x-moraine-warning`: likely mistakes in the lock policy, shown while the lock can still be aborted. Notes appear only in
 * `moraine lock check` and the server's log.
 * @returns a header of printable ASCII; none without warnings.
 */
export function warningHeader(found: readonly LockWarning[]): { 'x-moraine-warning'?: string } {
  const grave = found.filter(({ severity }) => severity !== 'note');
  if (grave.length === 0) return {};
  // A Sid may contain any character; a header may not.
  const text = grave
    .map(({ severity, message }) => `${severity}: ${message}`)
    .join(' ')
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return { 'x-moraine-warning': text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 3)}...` };
}
