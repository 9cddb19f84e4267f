/** The forms of settings: each parses a text into a value. */
import { isIP } from 'node:net';
import * as z from 'zod';
import { parseDuration } from '../domain/duration.ts';

/** Address that a server listens on. */
export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

/** Node.js fires a timer at once if it is set for longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const duration = z.string().transform((text, check) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  check.addIssue('must be a duration such as 10s, 5m, 24h or 7d');
  return z.NEVER;
});

export const listen = z.string().transform((text, check): ListenAddress => {
  const [, bracketed, plain, port] = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  check.addIssue('must be HOST:PORT, such as 127.0.0.1:4522 or [::1]:4522');
  return z.NEVER;
});

const SIZE_UNITS = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

export const size = z.string().transform((text, check) => {
  const [, number, unit = ''] = /^(\d{1,12})(KiB|MiB|GiB)?$/.exec(text) ?? [];
  const bytes = Number(number) * SIZE_UNITS[unit as keyof typeof SIZE_UNITS];
  // Not NaN, and not so large that it would lose digits.
  if (Number.isSafeInteger(bytes)) return bytes;
  check.addIssue('must be a size such as 64MiB or 1GiB, or 0');
  return z.NEVER;
});

export const workers = z.coerce.number('must be a whole number of at least 1').int().min(1).max(256);

export const flag = z.union([z.boolean(), z.stringbool()], 'must be true or false');

/** Whether archives may be read without a job, and whether that counts against the data retrieval policy. */
export const directReads = z.enum(['on', 'off', 'counted']);

export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

/** `instant`, `aws`, or a time for each tier. Unnamed tiers take no time. */
export const jobTimes = z.string().transform((text, check): JobTimeSetting => {
  if (text === 'instant' || text === 'aws') return text;
  const times: Partial<Record<(typeof PACES)[number], number>> = {};
  for (const piece of text.split(',')) {
    const [, pace, time] = /^([a-z]+)=(.+)$/.exec(piece.trim()) ?? [];
    const ms = parseDuration(time);
    if (!PACES.includes(pace as never) || ms === undefined) {
      check.addIssue(
        'must be instant, aws, or a list such as expedited=2s,standard=10s,bulk=30s,inventory=10s',
      );
      return z.NEVER;
    }
    times[pace as (typeof PACES)[number]] = ms;
  }
  return times;
});

const PACES = ['expedited', 'standard', 'bulk', 'inventory'] as const;

/** How long jobs take; times in ms. */
export type JobTimeSetting = 'instant' | 'aws' | Partial<Record<(typeof PACES)[number], number>>;

/** `live` becomes null; all else becomes an interval in ms. */
export const inventory = z.string().transform((text, check): number | null => {
  if (text === 'live') return null;
  const ms = parseDuration(text === 'daily' ? '24h' : text);
  if (ms !== undefined && ms > 0) return ms;
  check.addIssue('must be live, daily, or an interval such as 6h');
  return z.NEVER;
});

const webhookUrl = z.url({ protocol: /^https?$/, error: 'must be an http: or https: URL' });

const notificationTarget = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('webhook'),
    url: webhookUrl,
    secret: z.string().regex(/^whsec_[A-Za-z0-9+/=]{24,}$/),
  }),
  z.strictObject({ type: z.literal('sns'), endpoint: z.url().optional(), region: z.string().optional() }),
  z.strictObject({
    type: z.literal('sqs'),
    queueUrl: z.url(),
    endpoint: z.url().optional(),
    region: z.string().optional(),
  }),
]);

export const notificationTargets = z.record(z.string(), notificationTarget);

export const whole = z.coerce
  .number('must be a whole number of at least 0')
  .int()
  .min(0)
  .max(2 ** 31);

/** Host names, separated by commas; converted to lower case. */
export const hostNames = z.string().transform((text, check): readonly string[] => {
  const names = text.split(',').map((name) => name.trim().toLowerCase());
  if (names.every((name) => /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(name))) return names;
  check.addIssue('must be host names without ports, separated by commas, such as moraine.test,ci.internal');
  return z.NEVER;
});

/** IP addresses and networks in CIDR form, separated by commas. */
export const networks = z.string().transform((text, check): readonly string[] => {
  const given = text.split(',').map((piece) => piece.trim());
  if (given.every(isNetwork)) return given;
  check.addIssue('must be addresses or networks such as 10.0.0.7,10.1.0.0/16,fd00:1::/64');
  return z.NEVER;
});

function isNetwork(text: string): boolean {
  const [, address = '', prefix = '0'] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && Number(prefix) <= (family === 6 ? 128 : 32);
}

/** Length in characters below which an id or secret of root's key is weak: it can be guessed. */
export const SHORTEST_STRONG = 16;

export const topic = z
  .string()
  .regex(
    /^arn:aws[a-z-]*:sns:[A-Za-z0-9._-]{1,64}:\d{12}:[A-Za-z0-9_.-]{1,256}$/,
    'must be the ARN of an SNS topic',
  );

export const accountId = z.string().regex(/^\d{12}$/, 'must be 12 digits');
