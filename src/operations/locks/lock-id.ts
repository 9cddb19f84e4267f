import { createHash } from 'node:crypto';

/** What is kept of a lock id: enough to recognise it, not enough to use it. */
export function hashLockId(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
