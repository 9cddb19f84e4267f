import { existsSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';

/**
 * Opens a SQLite catalog for reading, and leaves no file behind. Reading alone would make the two files of the log, which
 * only a writer removes. Where there is no log, no process has the catalog open, and its file does not change.
 */
export function openUnchanged(path: string, timeoutMs: number): DatabaseSync {
  if (hasLog(path)) return new DatabaseSync(path, { readOnly: true, timeout: timeoutMs });
  const url = pathToFileURL(path);
  url.searchParams.set('immutable', '1');
  return new DatabaseSync(url, { readOnly: true });
}

/** Whether a process has the catalog open, or the last writer did not close it. */
export function hasLog(path: string): boolean {
  return existsSync(`${path}-wal`);
}
