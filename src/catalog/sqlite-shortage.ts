/** Transient errors of SQLite. */
import { Shortage } from '../domain/errors.ts';

/** Primary result codes, and two extended ones (sqlite.org/rescode.html). */
const NOMEM = 7;
const BUSY = 5;
const IOERR = 10;
const FULL = 13;
const CANTOPEN = 14;
/** A quota is used up. SQLite reports a full disk as FULL. */
const IOERR_WRITE = IOERR | (3 << 8);
/** No space for the index of the log. */
const IOERR_SHMSIZE = IOERR | (19 << 8);

const REASONS: Readonly<Record<number, string>> = {
  [NOMEM]: 'the system has no memory left',
  [BUSY]: 'another program keeps it locked',
  [IOERR]: 'its disk cannot be read or written',
  [CANTOPEN]: 'a file of it cannot be opened',
};

/** SQLite's extended result code of the error or of its cause; undefined for other errors. */
function codeOf(error: unknown): number | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, errcode } = one as { code?: unknown; errcode?: unknown };
    if (code === 'ERR_SQLITE_ERROR' && typeof errcode === 'number') return errcode;
  }
  return undefined;
}

/**
 * Whether a write failed because the catalog's disk or quota is full. Then the transaction changed nothing, because its
 * last page, which commits it, is written after all others.
 */
export function isCatalogFull(error: unknown): boolean {
  const code = codeOf(error) ?? 0;
  return (code & 0xff) === FULL || code === IOERR_WRITE || code === IOERR_SHMSIZE;
}

/** Whether SQLite may have rolled back the whole transaction, not just one statement. */
export function endsTransaction(error: unknown): boolean {
  const code = (codeOf(error) ?? 0) & 0xff;
  return code === FULL || code === IOERR || code === NOMEM;
}

/**
 * A Shortage for a transient error of SQLite; otherwise the error itself. The transaction was rolled back, and the next
 * may succeed. Only a full disk is certain to have changed nothing: a commit whose flush failed may exist after a crash.
 */
export function asCatalogShortage(error: unknown): unknown {
  const code = codeOf(error);
  if (code === undefined || error instanceof Shortage) return error;
  if (isCatalogFull(error)) {
    return new Shortage('The catalog cannot be written: its disk takes no more.', {
      cause: error,
      changedNothing: true,
    });
  }
  const reason = REASONS[code & 0xff];
  return reason === undefined
    ? error
    : new Shortage(`The catalog cannot be used: ${reason}.`, { cause: error });
}
