/** When a request was signed, and whether its signature still holds. */
import { quote, refusal } from './refusal.ts';

/** How long after the time that it names a signature still holds. */
export interface Expiry {
  readonly seconds: number;
  /** The same as the refusal words it. */
  readonly text: string;
}

export const SKEW: Expiry = { seconds: 300, text: '5 min.' };

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** All fields within their ranges. `Date.UTC` takes the years up to 99 for others, so they are no dates here. */
const BASIC_DATE = /^(?!00)\d{4}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3])[0-5]\d[0-5]\dZ$/;

/** A date that exists, in `YYYYMMDD'T'HHMMSS'Z'`. */
export function isBasicDate(text: string): boolean {
  if (!BASIC_DATE.test(text)) return false;
  // A day that its month does not have is one of the next month.
  return new Date(secondsOfBasic(text) * 1000).getUTCDate() === Number(text.slice(6, 8));
}

function secondsOfBasic(text: string): number {
  const at = (from: number, to: number): number => Number(text.slice(from, to));
  return Date.UTC(at(0, 4), at(4, 6) - 1, at(6, 8), at(9, 11), at(11, 13), at(13, 15)) / 1000;
}

function toBasicDate(seconds: number): string {
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/** `Fri, 10 Feb 2017 12:00:00 GMT` (Python: `-0000`) in basic form. The name of the day is not judged. */
export function basicOfHttpDate(text: string): string | undefined {
  const match = /^[A-Z][a-z]{2}, (\d\d) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|[+-]0000)$/.exec(
    text,
  );
  if (match === null) return undefined;
  const [, day, monthName = '', year, hours, minutes, seconds] = match;
  const month = String(MONTHS.indexOf(monthName) + 1).padStart(2, '0');
  const basic = `${year}${month}${day}T${hours}${minutes}${seconds}Z`;
  return isBasicDate(basic) ? basic : undefined;
}

export function requireScopeDate(date: string, timestamp: string): void {
  const day = timestamp.slice(0, 8);
  if (date === day) return;
  throw refusal(
    'Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: ' +
      `'${quote(date)}' != '${day}', from '${timestamp}'.`,
  );
}

/**
 * Early by the skew at most, late by the expiry at most; both ends still hold. In whole seconds, so that the
 * refusal's three dates bear it out.
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
