import type { LockWarning } from '../../domain/policy/lock-check.ts';

/** Enough for some sentences, and little beside the other headers that a proxy lets through. */
const MAX_CHARS = 2000;

/**
 * `x-moraine-warning`: what the lock policy probably does otherwise than its author means, so that whoever initiates
 * the lock sees it while it can still be aborted. Notes are left to `moraine lock check` and the server's log.
 * @returns printable ASCII; no header when there is nothing to warn of.
 */
export function warningHeader(found: readonly LockWarning[]): { 'x-moraine-warning'?: string } {
  const grave = found.filter(({ severity }) => severity !== 'note');
  if (grave.length === 0) return {};
  // A Sid may have any character; a header may not.
  const text = grave
    .map(({ severity, message }) => `${severity}: ${message}`)
    .join(' ')
    .replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return { 'x-moraine-warning': text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS - 3)}...` };
}
