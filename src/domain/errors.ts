/**
 * Every error that a client of the Glacier API can meet, in one table, and the class that carries one.
 * Source: protocol of the API, 2012-06-01, "Error responses".
 */

/** Who worded the error on the real service: it decides the order of the keys in the body. */
export type ErrorOrigin = 'service' | 'front';

/** `type` in the body: whose fault it was. */
export type ErrorFault = 'Client' | 'Server';

interface ErrorKind {
  readonly status: number;
  readonly fault: ErrorFault;
  readonly origin: ErrorOrigin;
}

const client = (status: number, origin: ErrorOrigin = 'service'): ErrorKind => ({
  status,
  fault: 'Client',
  origin,
});

/** Code → HTTP status, fault and origin. A code that is not here cannot be thrown. */
export const ERROR_KINDS = {
  AccessDeniedException: client(403, 'front'),
  BadRequest: client(400),
  ExpiredTokenException: client(403, 'front'),
  InsufficientCapacityException: client(400),
  InvalidParameterValueException: client(400),
  InvalidSignatureException: client(403, 'front'),
  LimitExceededException: client(400),
  MissingAuthenticationTokenException: client(400, 'front'),
  MissingParameterValueException: client(400),
  PolicyEnforcedException: client(400),
  RequestTimeoutException: client(408),
  ResourceNotFoundException: client(404),
  SerializationException: client(400),
  ServiceUnavailableException: { status: 500, fault: 'Server', origin: 'service' },
  ThrottlingException: client(400, 'front'),
  UnknownOperationException: client(404),
  UnrecognizedClientException: client(400, 'front'),
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERROR_KINDS;

/** An answer in the API's own error form: what was wrong, with which value. Safe to show to the client. */
export class ApiError extends Error {
  readonly code: ErrorCode;
  readonly origin: ErrorOrigin;
  /** Overrides the table's status: 411 and 431 exist only in front of the API. */
  readonly status: number;
  /** Shown to the client after the message, and to nobody else: the audit log has the message alone. */
  readonly evidence: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { status?: number; origin?: ErrorOrigin; evidence?: string } = {},
  ) {
    super(message);
    this.name = 'ApiError';
    this.code = code;
    this.origin = options.origin ?? ERROR_KINDS[code].origin;
    this.status = options.status ?? ERROR_KINDS[code].status;
    this.evidence = options.evidence ?? '';
  }

  get fault(): ErrorFault {
    return ERROR_KINDS[this.code].fault;
  }
}

/** What a Shortage may say beside its reason. */
export interface ShortageOptions extends ErrorOptions {
  /**
   * Whether it is certain that the request changed nothing. By default it is not: a commit may have been made that could
   * not be put on record, so what the request stored must stay.
   */
  readonly changedNothing?: boolean;
}

/**
 * Something that the server needs is missing for now: room on a disk, file descriptors, memory, the database, the audit
 * log. Clients get a 500 `ServiceUnavailableException` with the reason, which they retry. Not an ApiError: that one is a
 * refusal, which is certain to have changed nothing.
 */
export class Shortage extends Error {
  readonly changedNothing: boolean;

  /** @param reason a sentence for the client: what is missing. No path and no secret. @param options the cause, for the log. */
  constructor(reason: string, options: ShortageOptions = {}) {
    super(reason, options);
    this.name = 'Shortage';
    this.changedNothing = options.changedNothing ?? false;
  }
}

/** The Shortage, saying that it is certain that the request changed nothing; every other error as it is. */
export function withChangedNothing(error: unknown): unknown {
  if (!(error instanceof Shortage) || error.changedNothing) return error;
  return new Shortage(error.message, { cause: error, changedNothing: true });
}

/** What the codes of system errors that pass by themselves mean. */
const PASSING: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EMFILE: 'the server has no file descriptors left',
  ENFILE: 'the system has no file descriptors left',
  ENOMEM: 'the system has no memory left',
  EAGAIN: 'the system has no resources left',
};

/** Node.js has no name for it: the code is `Unknown system error -122`. */
const LINUX_EDQUOT = -122;

/** The code of a system error that passes by itself, or of such a cause; undefined for every other error. */
export function passingCode(error: unknown): string | undefined {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, errno } = one as NodeJS.ErrnoException;
    if (code !== undefined && Object.hasOwn(PASSING, code)) return code;
    if (errno === LINUX_EDQUOT) return 'EDQUOT';
  }
  return undefined;
}

/** What is missing, in words, by `passingCode`; undefined for every other error. */
function missingResource(error: unknown): string | undefined {
  const code = passingCode(error);
  return code === undefined ? undefined : PASSING[code];
}

/** A system error in words, without the path that its message ends with: a client may read it. */
export function withoutPath(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const { code, syscall } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  const isOfSystem = code !== undefined && (syscall !== undefined || text.startsWith(`${code}: `));
  return missingResource(error) ?? (isOfSystem ? (text.split(', ', 1)[0] as string) : text);
}

/** The error itself, or the Shortage that a system error amounts to when what it lacks may be there again later. */
export function asShortage(error: unknown): unknown {
  if (error instanceof ApiError || error instanceof Shortage) return error;
  const missing = missingResource(error);
  if (missing === undefined) return error;
  return new Shortage(`The service cannot complete the request: ${missing}.`, { cause: error });
}

/**
 * The error as the API words it: a Shortage, and a system error that passes, with the reason; every other error that is
 * not an ApiError as a 500 that reveals nothing.
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
export function missingParameter(name: string, status?: number): ApiError {
  const options = status === undefined ? {} : { status };
  return new ApiError('MissingParameterValueException', `Required parameter missing: ${name}`, options);
}

/** 404: vault, upload, job, policy or configuration is not there. */
export function notFound(message: string): ApiError {
  return new ApiError('ResourceNotFoundException', message);
}

const SHOWN_CHARS = 300;

/** A value out of a JSON body as a message quotes it: text as it is, anything else as JSON. Never throws. */
export function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value, bigintAsText) ?? 'null');
  return text.slice(0, SHOWN_CHARS);
}

/** Large integers come as bigint, which JSON.stringify refuses. */
function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
