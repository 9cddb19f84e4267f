import pg from 'pg';
import { Shortage } from '../domain/errors.ts';

/**
 * Transient classes of SQLSTATE: connection exception, insufficient resources, operator intervention (a shutdown, a
 * statement's time limit), system error.
 */
const PASSING_CLASSES = new Set(['08', '53', '57', '58']);
/** Transient codes: a lock's time limit, a server that is read-only during a failover, an idle transaction's limit. */
const PASSING = new Set(['55P03', '25006', '25P03']);

/** System error codes in words for clients, without addresses and names. */
const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection is refused',
  ECONNRESET: 'the connection was cut',
  EPIPE: 'the connection was cut',
  ENOENT: 'its socket is not there',
  ENOTFOUND: 'its host is not known',
  EAI_AGAIN: 'its host cannot be looked up',
  EHOSTUNREACH: 'its host is not reachable',
  ENETUNREACH: 'its network is not reachable',
  ETIMEDOUT: 'it does not answer',
};

/** The database did not answer in time. */
export class NoAnswer extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
    this.name = 'NoAnswer';
  }
}

/** Whether the connection that this error came from is unusable now. */
export function endsConnection(error: unknown): boolean {
  return !(error instanceof pg.DatabaseError) || error.severity === 'FATAL' || error.severity === 'PANIC';
}

/** Whether the database rejected a statement or a commit for what it contained, and rolled its transaction back. */
export function isRejection(error: unknown): boolean {
  return error instanceof pg.DatabaseError && toShortage(error) === error;
}

/** A Shortage if the error means that the database is unavailable for now; otherwise the error itself. */
export function toShortage(error: unknown): unknown {
  if (error instanceof Shortage) return error;
  if (!(error instanceof pg.DatabaseError)) return databaseAwayShortage(error);
  const code = error.code ?? '';
  const passes = PASSING_CLASSES.has(code.slice(0, 2)) || PASSING.has(code);
  return passes || error.severity === 'FATAL' ? databaseAwayShortage(error) : error;
}

/** For any error while connecting: the database is unavailable for now. */
export function databaseAwayShortage(cause: unknown): Shortage {
  return new Shortage(`The catalog's database is not available: ${whyAway(cause)}.`, { cause });
}

/** For a COMMIT that was sent but not confirmed. */
export function commitUnknownShortage(cause: unknown): Shortage {
  return new Shortage(
    `The catalog's database did not confirm the change (${whyAway(cause)}): it may have been made or not.`,
    { cause },
  );
}

function whyAway(error: unknown): string {
  if (error instanceof NoAnswer) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== undefined && Object.hasOwn(WORDS, code)) return WORDS[code] as string;
  // In these classes the server describes itself. Its texts on roles and databases are for the log only.
  if (error instanceof pg.DatabaseError && /^(53|57|58)/.test(code ?? '')) return message;
  if (/timeout/i.test(message ?? '')) return 'it does not answer';
  if (/terminated/i.test(message ?? '')) return 'the connection was cut';
  return code ?? 'the connection failed';
}

/** An error that names the database of `url`, without user and password, and says why it cannot be used. */
export function unusableDatabase(url: string, error: unknown): Error {
  const cause = error instanceof Shortage ? error.cause : error;
  // After several addresses of a host were tried, the error has a code but no text.
  const { message, code } = cause instanceof Error ? (cause as NodeJS.ErrnoException) : {};
  const why = message || code || String(error);
  return new Error(`the catalog's database${placeIn(url)} cannot be used: ${why}`, { cause: error });
}

/** Empty if the URL cannot be parsed: it may contain a password. */
function placeIn(url: string): string {
  if (!URL.canParse(url)) return '';
  const { host, pathname } = new URL(url);
  return ` ${host}${pathname}`;
}
