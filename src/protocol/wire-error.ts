import { ApiError, asApiError, type ErrorCode } from '../domain/errors.ts';

/** The HTTP status of each error code. */
export const ERROR_STATUS: Readonly<Record<ErrorCode, number>> = {
  AccessDeniedException: 403,
  BadRequest: 400,
  ExpiredTokenException: 403,
  InsufficientCapacityException: 400,
  InvalidParameterValueException: 400,
  InvalidSignatureException: 403,
  LimitExceededException: 400,
  MissingAuthenticationTokenException: 400,
  MissingParameterValueException: 400,
  PolicyEnforcedException: 400,
  RequestTimeoutException: 408,
  ResourceNotFoundException: 404,
  SerializationException: 400,
  ServiceUnavailableException: 500,
  ThrottlingException: 400,
  UnknownOperationException: 404,
  UnrecognizedClientException: 400,
};

/** An error with a status that only HTTP knows: 411 and 431. */
export class HttpError extends ApiError {
  readonly status: 411 | 431;

  constructor(status: 411 | 431, code: ErrorCode, message: string) {
    super(code, message);
    this.status = status;
  }
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
  const error = asApiError(thrown);
  const { code, fault: type } = error;
  const message = error.message + error.evidence;
  const keys = error.origin === 'front' ? { message, code, type } : { code, message, type };
  return { status: statusOf(error), body: JSON.stringify(keys) };
}

/** The HTTP status that an error is answered with. */
export function statusOf(error: ApiError): number {
  return error instanceof HttpError ? error.status : ERROR_STATUS[error.code];
}
