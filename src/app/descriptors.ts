/** How many files a process may have open, and how many connections that allows. */
import { readFileSync } from 'node:fs';

/**
 * Kept free for the server's own files: one for each of the store's 256 folders, the catalog, the journal, the audit
 * log, packs, and the channels between the processes.
 */
const OWN_DESCRIPTORS = 320;
/** A connection, and up to two files that its upload or download opens. */
const PER_CONNECTION = 3;
/** More connections would use too much memory, even if there are descriptors for them. */
const MOST_CONNECTIONS = 8192;
const FEWEST_CONNECTIONS = 8;
/** The default of most systems; used when the limit is unknown. */
const ASSUMED_LIMIT = 1024;

/**
 * How many descriptors this process may have open.
 * @param limits the text of `/proc/self/limits`; undefined on systems without it.
 */
export function descriptorLimit(limits: string | undefined = readLimits()): number {
  return softLimit(limits) ?? ASSUMED_LIMIT;
}

/**
 * The soft limit of open files.
 * @param limits the text of `/proc/self/limits`.
 * @returns undefined if the text does not say.
 */
export function softLimit(limits: string | undefined): number | undefined {
  const [, soft = ''] = /^Max open files\s+(\S+)/m.exec(limits ?? '') ?? [];
  if (soft === 'unlimited') return Number.MAX_SAFE_INTEGER;
  return /^\d+$/.test(soft) ? Number(soft) : undefined;
}

/** How many connections a process may hold, so that enough descriptors remain for their files and its own. */
export function connectionBound(descriptors: number): number {
  const own = Math.min(OWN_DESCRIPTORS, descriptors / 2);
  const bound = Math.floor((descriptors - own) / PER_CONNECTION);
  return Math.max(FEWEST_CONNECTIONS, Math.min(MOST_CONNECTIONS, bound));
}

/** The text of `/proc/self/limits`; undefined on systems without it. */
export function readLimits(): string | undefined {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return undefined;
  }
}
