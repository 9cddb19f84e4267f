/** Errors on the wire: the table of all that the API sends, and what each kind of refusal is there. */
import { asShortage, Refusal, type RefusalKind, Shortage } from '../domain/errors.ts';
import type { ErrorCode } from '../operations/error-code.ts';

/** The layer of the real service that words the error. It decides the order of the keys in the body. */
type ErrorOrigin = 'service' | 'front';

/** `type` in the body: which side caused the error. */
type ErrorFault = 'Client' | 'Server';

interface ErrorForm {
  readonly status: number;
  readonly fault: ErrorFault;
  readonly origin: ErrorOrigin;
}

function service(status: number): ErrorForm {
  return { status, fault: status < 500 ? 'Client' : 'Server', origin: 'service' };
}

function front(status: number): ErrorForm {
  return { ...service(status), origin: 'front' };
}

/** Code → HTTP status, fault and origin. Only these codes are sent. */
export const ERROR_FORMS: Readonly<Record<ErrorCode, ErrorForm>> = {
  AccessDeniedException: front(403),
  BadRequest: service(400),
  ExpiredTokenException: front(403),
  InsufficientCapacityException: service(400),
  InvalidParameterValueException: service(400),
  InvalidSignatureException: front(403),
  LimitExceededException: service(400),
  MissingAuthenticationTokenException: front(400),
  MissingParameterValueException: service(400),
  PolicyEnforcedException: service(400),
  RequestTimeoutException: service(408),
  ResourceNotFoundException: service(404),
  SerializationException: service(400),
  ServiceUnavailableException: service(500),
  ThrottlingException: front(400),
  UnknownOperationException: service(404),
  UnrecognizedClientException: front(400),
};

/** The code of each kind of refusal. Clients retry `ThrottlingException` and `ServiceUnavailableException`. */
const REFUSAL_CODES: Readonly<Record<RefusalKind, ErrorCode>> = {
  'changed-meanwhile': 'ThrottlingException',
  damaged: 'ServiceUnavailableException',
  denied: 'AccessDeniedException',
  invalid: 'InvalidParameterValueException',
  'limit-reached': 'LimitExceededException',
  locked: 'AccessDeniedException',
  missing: 'MissingParameterValueException',
  'no-capacity': 'InsufficientCapacityException',
  'not-found': 'ResourceNotFoundException',
  'over-policy': 'PolicyEnforcedException',
  'unknown-account': 'UnrecognizedClientException',
};

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
    this.origin = options.origin ?? ERROR_FORMS[code].origin;
    this.evidence = options.evidence ?? '';
  }

  get status(): number {
    return ERROR_FORMS[this.code].status;
  }

  get fault(): ErrorFault {
    return ERROR_FORMS[this.code].fault;
  }
}

/** An error with a status that its code does not have: 411 and 431. */
export class HttpError extends ApiError {
  readonly #status: 411 | 431;

  constructor(status: 411 | 431, code: ErrorCode, message: string) {
    super(code, message);
    this.#status = status;
  }

  override get status(): number {
    return this.#status;
  }
}

/**
 * The error as clients get it: a refusal by its kind, a Shortage or a transient system error with its reason, any other
 * error as a 500 that reveals nothing.
 */
export function toApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof Refusal) return fromRefusal(thrown);
  const error = asShortage(thrown);
  const text = error instanceof Shortage ? error.message : 'The service cannot complete the request.';
  return new ApiError('ServiceUnavailableException', text);
}

function fromRefusal({ kind, message }: Refusal): ApiError {
  // On the service, lock conflicts come from the service proper, all other denials from its front end.
  return new ApiError(REFUSAL_CODES[kind], message, kind === 'locked' ? { origin: 'service' } : {});
}

/** An error as it is sent. */
export interface WireError {
  readonly status: number;
  readonly body: string;
}

/**
 * An error in the API's form: three keys, in the order of the service proper (code, message, type) or of its front end
 * (message, code, type).
 */
export function toWireError(thrown: unknown): WireError {
  const error = toApiError(thrown);
  const { status, code, fault: type } = error;
  const message = error.message + error.evidence;
  const keys = error.origin === 'front' ? { message, code, type } : { code, message, type };
  return { status, body: JSON.stringify(keys) };
}
