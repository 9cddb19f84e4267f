/** Errors of a damaged SQLite file: they name it and say what to do. */
import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { Shortage } from '../domain/errors.ts';

/** SQLITE_CORRUPT and SQLITE_NOTADB; extended codes have these in their lowest byte. */
const DAMAGE = new Set([11, 26]);
/** Checking a larger file would take too long at a start. */
const CHECKED_BYTES = 100_000_000;
const WHAT_TO_DO = 'Restore it as docs/operating.md says under "Restoring"';

/** The message that clients get for a damaged catalog. */
const REASON = 'The catalog is damaged: the operator of this server must restore it.';

/** Whether an error says that the catalog is damaged, including an error from another process. */
export function isCatalogDamage(error: unknown): error is Shortage {
  return error instanceof Shortage && error.message === REASON;
}

/** Adds the path of the database to an error. Returns a Shortage if the file is damaged. */
export function explainDamage(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('errcode' in error)) return error;
  if (!error.message.includes(path)) error.message += ` (${path})`;
  if (!DAMAGE.has(Number(error.errcode) & 0xff)) return error;
  return new Shortage(REASON, { cause: new Error(`${path} is damaged: ${error.message}`, { cause: error }) });
}

/** Runs `open`, which opens a database. @throws Error that names the file and says what to do. */
export async function explainOpening<Result>(
  path: string,
  open: () => Result | Promise<Result>,
): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    for (let one = error; one instanceof Error; one = one.cause) {
      if (!('errcode' in one)) continue;
      const isDamaged = DAMAGE.has(Number(one.errcode) & 0xff);
      const advice = isDamaged ? `. ${WHAT_TO_DO}` : '';
      throw new Error(`the catalog ${path} cannot be opened: ${one.message}${advice}`, { cause: error });
    }
    throw error;
  }
}

/** Whether the last writer did not close the database: its log still exists. Call before opening it. */
export function wasCutShort(path: string): boolean {
  return sizeOf(`${path}-wal`) > 0;
}

/** Checks a file that is not too large. @throws Error when it is damaged. */
export function requireSound(database: DatabaseSync, path: string): void {
  if (sizeOf(path) >= CHECKED_BYTES) return;
  const [finding] = database.prepare('pragma quick_check(1)').all() as { quick_check: string }[];
  if (finding?.quick_check === 'ok') return;
  throw new Error(`the catalog ${path} is damaged: ${finding?.quick_check}. ${WHAT_TO_DO}`);
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
