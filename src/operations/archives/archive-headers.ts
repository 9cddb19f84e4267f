import { invalidParameter, missingParameter } from '../../domain/errors.ts';

/** One request carries 1 byte to 4 GiB (limits of the API). */
const MAX_BODY_BYTES = 4_294_967_296;
const MAX_DESCRIPTION_CHARS = 1024;

/**
 * `x-amz-archive-description`: up to 1,024 characters of 0x20..0x7E, kept byte for byte but for leading
 * spaces, which the service removes. Absent or empty: null. @throws Refusal invalid.
 */
export function parseDescription(raw: string | undefined): string | null {
  const text = (raw ?? '').replace(/^ +/, '');
  if (text.length > MAX_DESCRIPTION_CHARS) {
    throw invalidParameter(
      `Invalid x-amz-archive-description: ${text.length} characters. At most ${MAX_DESCRIPTION_CHARS} are allowed.`,
    );
  }
  const odd = /[^\x20-\x7e]/.exec(text);
  if (odd) {
    const code = odd[0].charCodeAt(0).toString(16).padStart(2, '0');
    throw invalidParameter(
      `Invalid x-amz-archive-description: the character 0x${code} at position ${odd.index + 1} is not printable ASCII (0x20 to 0x7E).`,
    );
  }
  return text === '' ? null : text;
}

/**
 * `x-amz-sha256-tree-hash` of an upload. The service also accepts 32 digits and pads them with zeros on the left
 * (observed), so both lengths are well-formed. Returns 64 lower-case digits. @throws Refusal.
 */
export function parseTreeHash(raw: string | undefined): string {
  if (raw === undefined || raw === '') throw missingParameter('x-amz-sha256-tree-hash');
  if (!/^(?:[0-9a-fA-F]{32}){1,2}$/.test(raw)) throw invalidTreeHash(raw);
  return raw.toLowerCase().padStart(64, '0');
}

/** A refusal with the service's bare text; `hint` is a sentence that names the likely mistake. */
export function invalidTreeHash(sent: string, hint?: string): Error {
  return invalidParameter(`Invalid x-amz-sha256-tree-hash: ${sent}${hint === undefined ? '' : ` ${hint}`}`);
}

/**
 * The bytes of a single upload or part by its `Content-Length`.
 * @throws Refusal invalid for 0 bytes or more than 4 GiB: the observed text, then the reason.
 */
export function requireBodyLength(raw: string): number {
  const length = /^\d{1,15}$/.test(raw) ? Number(raw) : Number.NaN;
  if (length >= 1 && length <= MAX_BODY_BYTES) return length;
  throw invalidParameter(`Invalid Content-Length: ${raw}${whyLength(length)}`);
}

/** Begins with a full stop, because the observed text ends with the length; empty if the length is not a number. */
function whyLength(length: number): string {
  if (length === 0)
    return '. The request has no body: an archive, and each part of one, has at least one byte.';
  if (length > MAX_BODY_BYTES)
    return `. One request carries at most ${MAX_BODY_BYTES} bytes: upload a larger archive in parts.`;
  return '';
}
