/** When a request was signed, and how long its signature is valid. */
import { quote, refusal } from './refusal.ts';
import { requireParameter, type SentValues } from './sent-values.ts';

/** How long a signature stays valid after its timestamp. */
export interface Expiry {
  readonly seconds: number;
  /** As the refusal words it. */
  readonly text: string;
}

export const SKEW: Expiry = { seconds: 300, text: '5 min.' };

const LONGEST_EXPIRY_SECONDS = 604_800;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** All fields are within their ranges. Years up to 99 are refused, because `Date.UTC` maps them to 19xx. */
const BASIC_DATE = /^(?!00)\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ$/;

/** A date that exists, in `YYYYMMDD'T'HHMMSS'Z'`. */
function isBasicDate(text: string): boolean {
  if (!BASIC_DATE.test(text)) return false;
  // Date.UTC moves a day that the month does not have into the next month.
  return new Date(secondsOfBasic(text) * 1000).getUTCDate() === Number(text.slice(6, 8));
}

function secondsOfBasic(text: string): number {
  const at = (from: number, to: number): number => Number(text.slice(from, to));
  return Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15)) / 1000;
}

function toBasicDate(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** `Fri, 10 Feb 2017 12:00:00 GMT` (Python: `-0000`) in basic form. The weekday is not checked. */
function basicOfHttpDate(text: string): string | undefined {
  const match = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|[+-]0000)$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, day, monthName = '', year, hours, minutes, seconds] = match;
  const month = String(MONTHS.indexOf(monthName) + 1).padStart(2, '0');
  const basic = `${year}${month}${day}T${hours}${minutes}${seconds}Z`;
  return isBasicDate(basic) ? basic : undefined;
}

/**
 * When the request was signed, `YYYYMMDD'T'HHMMSS'Z'`: `x-amz-date`, or else `Date`. Both may have either form.
 * @throws ApiError InvalidSignatureException without a valid one.
 */
export function timestampOfHeaders(headers: SentValues): string {
  const text = headers.get('x-amz-date') ?? headers.get('date');
  if (text === undefined) {
    throw refusal("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.");
  }
  const timestamp = isBasicDate(text) ? text : basicOfHttpDate(text);
  if (timestamp !== undefined) return timestamp;
  throw refusal(`Date must be in ISO-8601 'basic format' or in the form of RFC 1123. Got '${quote(text)}'.`);
}

/** When a presigned request was signed. @throws ApiError InvalidSignatureException without a valid date. */
export function timestampOfQuery(parameters: SentValues): string {
  const text = requireParameter(parameters, 'X-Amz-Date');
  if (isBasicDate(text)) return text;
  throw refusal(
    `X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'". Got '${quote(text)}'.`,
  );
}

/** How long a presigned request is valid. @throws ApiError InvalidSignatureException outside 1 to 604,800 s. */
export function expiryOfQuery(parameters: SentValues): Expiry {
  const text = requireParameter(parameters, 'X-Amz-Expires');
  const seconds = /^[0-9]{1,6}$/.test(text) ? Number(text) : 0;
  if (seconds < 1 || seconds > LONGEST_EXPIRY_SECONDS) {
    throw refusal(
      `X-Amz-Expires must be a number of seconds from 1 to ${LONGEST_EXPIRY_SECONDS}, not '${quote(text)}'.`,
    );
  }
  return { seconds, text: `${seconds} sec.` };
}

/** @throws ApiError InvalidSignatureException unless the scope's date is the timestamp's day. */
export function requireScopeDate(date: string, timestamp: string): void {
  const day = timestamp.slice(0, 8);
  if (date === day) return;
  throw refusal(
    'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
      `'${quote(date)}' != '${day}', from '${timestamp}'.`,
  );
}

/**
 * Requires a timestamp at most the skew ahead of the clock and at most the expiry behind it, both inclusive. Compares
 * whole seconds, so that the three dates in the refusal show the fault.
 * @throws ApiError InvalidSignatureException outside that window.
 */
export function requireInWindow(timestamp: string, expiry: Expiry, nowMs: number): void {
  const signed = secondsOfBasic(timestamp);
  const now = Math.floor(nowMs / 1000);
  const oldest = now - expiry.seconds;
  const newest = now + SKEW.seconds;
  if (signed < oldest) {
    throw refusal(
      `Signature expired: ${timestamp} is now earlier than ${toBasicDate(oldest)} ` +
        `(${toBasicDate(now)} - ${expiry.text})`,
    );
  }
  if (signed > newest) {
    throw refusal(
      `Signature not yet current: ${timestamp} is still later than ${toBasicDate(newest)} ` +
        `(${toBasicDate(now)} + ${SKEW.text})`,
    );
  }
}
