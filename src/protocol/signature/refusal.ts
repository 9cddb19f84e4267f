import { ApiError } from '../../domain/errors.ts';

const LONGEST_QUOTE = 128;

/** Keeps an answer short whatever was sent. */
export function quote(text: string): string {
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
}

export function refusal(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message);
}
