/** What the client throws, besides the reason of an aborted signal and TypeErrors for misuse. */

interface Refused {
  readonly operation: string;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly fault: 'Client' | 'Server';
  readonly requestId: string | null;
}

/** The server answered with an error. `message` is the server's explanation, unchanged. */
export class GlacierError extends Error {
  /** The operation's name in the API, such as `UploadArchive`. */
  readonly operation: string;
  /** HTTP status. */
  readonly status: number;
  /** The API's code, such as `ResourceNotFoundException`; `HTTP 502` where the answer has none, as a proxy's. */
  readonly code: string;
  /** The side that caused the error, as the server says. */
  readonly fault: 'Client' | 'Server';
  /** Names the request in the server's log; null where the answer has none. */
  readonly requestId: string | null;

  constructor({ operation, status, code, message, fault, requestId }: Refused) {
    super(message);
    this.name = 'GlacierError';
    this.operation = operation;
    this.status = status;
    this.code = code;
    this.fault = fault;
    this.requestId = requestId;
  }
}

/** The connection failed before a whole answer arrived. `cause` is Node's error. */
export class ConnectionError extends Error {
  readonly operation: string;
  /** Whether the server may have executed the request: it was sent, but its answer is unknown. */
  readonly unclear: boolean;

  constructor(operation: string, endpoint: string, unclear: boolean, cause: unknown) {
    const end = unclear ? 'The server may have executed the request.' : 'The request was not executed.';
    super(`${operation}: the connection to ${endpoint} failed: ${textOf(cause)}. ${end}`, { cause });
    this.name = 'ConnectionError';
    this.operation = operation;
    this.unclear = unclear;
  }
}

/** Bytes arrived, or were stored, that are not those they should be. */
export class HashMismatchError extends Error {
  /** Tree hashes, 64 lower-case hex digits. */
  readonly expected: string;
  readonly actual: string;

  constructor(what: string, expected: string, actual: string) {
    super(`${what}: the tree hash is ${actual}, but should be ${expected}`);
    this.name = 'HashMismatchError';
    this.expected = expected;
    this.actual = actual;
  }
}

/** The text of an error. Node's errors for several addresses have no message of their own. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError && error.message === '') return error.errors.map(textOf).join('; ');
  return error.message;
}
