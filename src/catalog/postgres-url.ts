/** The address of a PostgreSQL catalog, as messages may show it. */
import { Shortage } from '../domain/errors.ts';

/** Runs what opens a database. @throws Error that names the database, without its password, and says why. */
export async function usingDatabase<Result>(url: string, open: () => Promise<Result>): Promise<Result> {
  try {
    return await open();
  } catch (error) {
    const cause = error instanceof Shortage ? error.cause : error;
    const why = cause instanceof Error && cause.message !== '' ? cause.message : String(error);
    throw new Error(`the catalog's database ${shownUrl(url)} cannot be used: ${why}`, { cause: error });
  }
}

/** Without user, password and parameters. */
function shownUrl(url: string): string {
  const [, place = ''] = /^postgres(?:ql)?:\/\/(?:[^@/]*@)?([^?]*)/.exec(url) ?? [];
  return place;
}
