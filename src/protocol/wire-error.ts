import { asApiError } from '../domain/errors.ts';

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
  const { code, fault: type, status } = error;
  const message = error.message + error.evidence;
  const keys = error.origin === 'front' ? { message, code, type } : { code, message, type };
  return { status, body: JSON.stringify(keys) };
}
