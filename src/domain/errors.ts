/**
 * The table of all errors that the API sends, and the classes that carry them.
 * Source: protocol of the API, 2012-06-01, "Error responses".
 */

/** The layer of the real service that words the error. It decides the order of the keys in the body. */
export type ErrorOrigin = 'service' | 'front';

/** `type` in the body: which side caused the error. */
export type ErrorFault = 'Client' | 'Server';

interface ErrorKind {
  readonly fault: ErrorFault;
  readonly origin: ErrorOrigin;
}

const SERVICE: ErrorKind = { fault: 'Client', origin: 'service' };
const FRONT: ErrorKind = { fault: 'Client', origin: 'front' };

/** Code → fault and origin. Only these codes can be thrown; protocol/ has the HTTP status of each. */
export const ERROR_KINDS = {
  AccessDeniedException: FRONT,
  BadRequest: SERVICE,
  ExpiredTokenException: FRONT,
  InsufficientCapacityException: SERVICE,
  InvalidParameterValueException: SERVICE,
  InvalidSignatureException: FRONT,
  LimitExceededException: SERVICE,
  MissingAuthenticationTokenException: FRONT,
  MissingParameterValueException: SERVICE,
  PolicyEnforcedException: SERVICE,
  RequestTimeoutException: SERVICE,
  ResourceNotFoundException: SERVICE,
  SerializationException: SERVICE,
  ServiceUnavailableException: { fault: 'Server', origin: 'service' },
  ThrottlingException: FRONT,
  UnknownOperationException: SERVICE,
  UnrecognizedClientException: FRONT,
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An answer in the API's own error form: what was wrong, with which value. Safe to show to the client. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly origin: ErrorOrigin;
  /** Appended to the message for the client only; the audit log has the message alone. */
  readonly evidence: string;

  constructor(code: ErrorCode, message: string, options: { origin?: ErrorOrigin; evidence?: string } = {}) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.origin = options.origin ?? ERROR_KINDS[code].origin;
    this.evidence = options.evidence ?? '';
  }

  get fault(): ErrorFault {
    return ERROR_KINDS[this.code].fault;
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
 * a 500 `ServiceUnavailableException` with the reason, and retry. It is not an ApiError, which is a refusal and certain
 * to have changed nothing.
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
  if (error instanceof ApiError || error instanceof Shortage) return error;
  const missing = missingResource(error);
  if (missing === undefined) return error;
  return new Shortage(`The service cannot complete the request: ${missing}.`, { cause: error });
}

/**
 * The error as an ApiError: a Shortage or a transient system error with its reason, any other error as a 500 that
 * reveals nothing.
 */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  const error = asShortage(thrown);
  const text = error instanceof Shortage ? error.message : 'The service cannot complete the request.';
  return new ApiError('ServiceUnavailableException', text);
}

/** 400: a parameter, header or body member has a value that cannot be used. */
export function invalidParameter(message: string): ApiError {
  return new ApiError('InvalidParameterValueException', message);
}

/** 400: something required was not sent. `name` is worded as the service does ("API version"). */
export function missingParameter(name: string): ApiError {
  return new ApiError('MissingParameterValueException', `Required parameter missing: ${name}`);
}

/** 404: there is no such vault, upload, job, policy or configuration. */
export function notFound(message: string): ApiError {
  return new ApiError('ResourceNotFoundException', message);
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
