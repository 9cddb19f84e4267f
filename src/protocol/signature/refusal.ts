import { ApiError } from '../wire-error.ts';

const LONGEST_QUOTE = 128;

/** A text of the request, cut so that the message stays short. */
export function quote(text: string): string {
  return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
}

export function refusal(message: string): ApiError {
  return new ApiError('InvalidSignatureException', message);
}
