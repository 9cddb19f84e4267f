/**
 * The evidence in the reply to a signature mismatch, in the form that the service once used. Compared with what the
 * client signed, it shows what a proxy, or the client itself, changed.
 */
import { decodePercent } from './canonical-request.ts';

/** Limit for the evidence as JSON text, which keeps the whole reply below 8 KiB. */
const MAX_JSON_BYTES = 7680;
/** How much of the end of a long canonical request is kept: it holds the payload's hash. */
const TAIL_CHARS = 200;
/** Headers whose values let a reader act as the client. */
const SECRET_HEADER = /^(x-amz-security-token|authorization|proxy-authorization|cookie):(.*)$/;
const SECRET_PARAMETER = /(^|&)(x-amz-security-token=)([^&]*)/gi;
const QUERY_LINE = 2;

/**
 * The canonical request and the string to sign, quoted. Values of secrets are replaced by their lengths, bytes
 * outside 0x20..0x7E are written as `\xNN`, and the middle of a long canonical request is left out. Contains neither a
 * key nor a signature. Never throws.
 * @param canonicalRequest byte text, its payload's hash included.
 */
export function signatureEvidence(canonicalRequest: string, stringToSign: string): string {
  const safe = escapeBytes(withoutSecrets(canonicalRequest));
  const whole = quoted(safe, stringToSign);
  const room = MAX_JSON_BYTES - jsonBytes(quoted('', stringToSign));
  return jsonBytes(safe) <= room ? whole : quoted(withoutMiddle(safe, room), stringToSign);
}

function quoted(canonicalRequest: string, stringToSign: string): string {
  return (
    `\n\nThe Canonical String for this request should have been\n'${canonicalRequest}'` +
    `\n\nThe String-to-Sign should have been\n'${stringToSign}'`
  );
}

/** Works line by line: no part of a canonical request contains a line break. */
function withoutSecrets(canonicalRequest: string): string {
  const lines = canonicalRequest.split('\n').map((line, i) =>
    i === QUERY_LINE
      ? line.replace(SECRET_PARAMETER, (_, before: string, name: string, value: string) => {
          return `${before}${name}${lengthOf(decodePercent(value))}`;
        })
      : line.replace(SECRET_HEADER, (_, name: string, value: string) => `${name}:${lengthOf(value)}`),
  );
  return lines.join('\n');
}

function lengthOf(secret: string): string {
  return `[${secret.length} characters]`;
}

function escapeBytes(text: string): string {
  return text.replace(
    /[^\x20-\x7e\n]/g,
    (char) => `\\x${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** The text without its middle: its end, and as much of its beginning as fits in `room` bytes of JSON. */
function withoutMiddle(text: string, room: number): string {
  const tail = text.slice(-TAIL_CHARS);
  const marker = (count: number): string => `\n[${count} characters left out]\n`;
  let left = room - jsonBytes(tail) - jsonBytes(marker(text.length));
  let at = 0;
  for (; at < text.length - tail.length; at++) {
    left -= jsonBytes(text.charAt(at));
    if (left < 0) break;
  }
  return text.slice(0, at) + marker(text.length - tail.length - at) + tail;
}

/** Bytes of a text within a JSON string. All characters are printable ASCII or line breaks by now. */
function jsonBytes(text: string): number {
  return text.length + (text.match(/["\\\n]/g)?.length ?? 0);
}
