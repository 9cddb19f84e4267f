import { ApiError, asShortage } from '../domain/errors.ts';

/** An error as it goes out. */
export interface WireError {
  readonly status: number;
  readonly body: string;
}

/**
 * The API's error form: three keys, whose order tells the service proper (code, message, type) from its
 * front end (message, code, type). A system error that passes by itself names what is missing; any other error that is
 * not an ApiError is a 500 that reveals nothing.
 */
export function toWireError(thrown: unknown): WireError {
  const error = asShortage(thrown);
  if (!(error instanceof ApiError)) {
    return toWireError(
      new ApiError('ServiceUnavailableException', 'The service cannot complete the request.'),
    );
  }
  const { code, fault: type, status } = error;
  const message = error.message + error.evidence;
  const keys = error.origin === 'front' ? { message, code, type } : { code, message, type };
  return { status, body: JSON.stringify(keys) };
}
