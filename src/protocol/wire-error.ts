import { asApiError } from '../domain/errors.ts';

/** An error as it goes out. */
export interface WireError {
  readonly status: number;
  readonly body: string;
}

/**
 * The API's error form: three keys, whose order tells the service proper (code, message, type) from its
 * front end (message, code, type).
 */
export function toWireError(thrown: unknown): WireError {
  const error = asApiError(thrown);
  const { code, fault: type, status } = error;
  const message = error.message + error.evidence;
  const keys = error.origin === 'front' ? { message, code, type } : { code, message, type };
  return { status, body: JSON.stringify(keys) };
}
