import { createHash } from 'node:crypto';

/** SHA-256 of a lock id, 64 hex digits: the catalog can recognize the id, and a reader of the catalog cannot use it. */
export function hashLockId(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
