import { DatabaseSync } from 'node:sqlite';

/**
 * Holds a file exclusively with an open transaction. The kernel releases it when the process ends, so a hold never goes
 * stale. Creates the file if it is missing.
 * @param waitMs how long to wait for another process to release it.
 * @returns a function that releases the file; undefined if another process still holds it.
 * @throws the error of SQLite.
 */
export function holdExclusively(path: string, waitMs = 0): (() => void) | undefined {
  const database = new DatabaseSync(path, { timeout: waitMs });
  try {
    database.exec('begin exclusive');
  } catch (error) {
    database.close();
    if (/locked|busy/.test(String(error))) return undefined;
    throw error;
  }
  return () => database.close();
}
