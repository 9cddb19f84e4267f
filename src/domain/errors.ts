/** The ways in which a request fails: a rule refuses it, or the server lacks something for now. */

/** Why a rule refuses a request. What clients get for each kind is in protocol/wire-error.ts. */
export type RefusalKind =
  /** The policies or tags that allowed the request changed before it was done. */
  | 'changed-meanwhile'
  /** The stored bytes are damaged. */
  | 'damaged'
  /** The caller may not do this. */
  | 'denied'
  /** A value cannot be used, or does not fit what is stored. */
  | 'invalid'
  /** The account has as many of these as it may have. */
  | 'limit-reached'
  /** A vault lock is in progress or complete. */
  | 'locked'
  /** A required value was not given. */
  | 'missing'
  /** Expedited retrievals have no capacity left. */
  | 'no-capacity'
  /** There is no such vault, archive, upload, job, policy or configuration. */
  | 'not-found'
  /** The data retrieval policy does not allow as much. */
  | 'over-policy'
  /** No account has this id. */
  | 'unknown-account';

/** A refused request, which is certain to have changed nothing. The message is safe to show to the client. */
export class Refusal extends Error {
  readonly kind: RefusalKind;

  /** @param message what was wrong, with which value. */
  constructor(kind: RefusalKind, message: string) {
    super(message);
    this.name = 'Refusal';
    this.kind = kind;
  }
}

/** Options of a Shortage beside its reason. */
export interface ShortageOptions extends ErrorOptions {
  /**
   * Whether it is certain that the request changed nothing. By default it is not: a commit may have succeeded whose entry
   * could not be journaled, so what the request stored must stay.
   */
  readonly changedNothing?: boolean;
}

/**
 * The server temporarily lacks something: disk space, file descriptors, memory, the database, the audit log. Clients get
 * the reason, and retry. It is no Refusal: the request may have changed something.
 */
export class Shortage extends Error {
  readonly changedNothing: boolean;

  /** @param reason a sentence for the client, without paths and secrets. @param options with the cause, for the log. */
  constructor(reason: string, options: ShortageOptions = {}) {
    super(reason, options);
    this.name = 'Shortage';
    this.changedNothing = options.changedNothing ?? false;
  }
}

/** Marks a Shortage as certain to have changed nothing; returns any other error as it is. */
export function withChangedNothing(error: unknown): unknown {
  if (!(error instanceof Shortage) || error.changedNothing) return error;
  return new Shortage(error.message, { cause: error, changedNothing: true });
}

/** Transient system errors, in words. */
const PASSING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'the server has no file descriptors left',
  ENFILE: 'the system has no file descriptors left',
  ENOMEM: 'the system has no memory left',
  EAGAIN: 'the system has no resources left',
};

/** Node.js has no name for EDQUOT: the code is `Unknown system error -122`. */
const LINUX_EDQUOT = -122;

/** The code of a transient system error, or of such a cause; undefined for other errors. */
export function passingCode(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, errno } = one as NodeJS.ErrnoException;
    if (code !== undefined && Object.hasOwn(PASSING, code)) return code;
    if (errno === LINUX_EDQUOT) return 'EDQUOT';
  }
  return undefined;
}

/** A transient system error in words; undefined for other errors. */
function missingResource(error: unknown): string | undefined {
  const code = passingCode(error);
  return code === undefined ? undefined : PASSING[code];
}

/** An error's message as a client may read it: a system error's without its path. */
export function withoutPath(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const isOfSystem = code !== undefined && (syscall !== undefined || text.startsWith(`${code}: `));
  return missingResource(error) ?? (isOfSystem ? (text.split(', ', 1)[0] as string) : text);
}

/** A Shortage for a transient system error; otherwise the error itself. */
export function asShortage(error: unknown): unknown {
  if (error instanceof Shortage) return error;
  const missing = missingResource(error);
  if (missing === undefined) return error;
  return new Shortage(`The service cannot complete the request: ${missing}.`, { cause: error });
}

/** A refusal: a value cannot be used. The message names it. */
export function invalidParameter(message: string): Refusal {
  return new Refusal('invalid', message);
}

/** A refusal: something required was not given. `name` is worded as the service does ("API version"). */
export function missingParameter(name: string): Refusal {
  return new Refusal('missing', `Required parameter missing: ${name}`);
}

/** A refusal: there is no such vault, upload, job, policy or configuration. */
export function notFound(message: string): Refusal {
  return new Refusal('not-found', message);
}

const SHOWN_CHARS = 300;

/** A value of a JSON body as messages quote it: text as it is, anything else as JSON. Never throws. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, bigintAsText) ?? 'null');
  return text.slice(0, SHOWN_CHARS);
}

/** Large integers are parsed as bigint, which JSON.stringify refuses. */
function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
