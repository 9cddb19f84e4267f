/** The emulator's control endpoints under `/_moraine/emulator`, for tests of software that uses Glacier. */

import { parseDuration } from '../domain/duration.ts';
import { invalidParameter, quote } from '../domain/errors.ts';
import { requireNoWebPage } from './control-guard.ts';
import { type Fault, parseFault } from './faults.ts';
import { parseJsonObject } from './json-body.ts';
import type { Message } from './message.ts';
import type { HttpReply } from './reply.ts';
import { readSmallBody } from './small-body.ts';
import { ApiError } from './wire-error.ts';

/** What the control endpoints can do. */
export interface Emulator {
  /** Hosts that control requests may name, besides addresses, `localhost` and names without a dot. */
  readonly hosts: ReadonlySet<string>;
  /** Emulated time, ms since the epoch. */
  now(): number;
  /** When the next scheduled event is due, ms since the epoch; null if there is none. */
  nextEventMs(): Promise<number | null>;
  /**
   * Sets the clock forward to `ms`. When it resolves, everything that fell due has happened. Calls are serialized; a time
   * that has passed by the call's turn changes nothing.
   */
  advanceTo(ms: number): Promise<void>;
  /** Sets the clock to `ms`: forward as `advanceTo` does, or back, which undoes nothing. */
  setTo(ms: number): Promise<void>;
  /** Real time, ms since the epoch. */
  realMs(): number;
  /** Deletes all vaults with their contents, and the faults; keys, settings and the clock stay. */
  reset(): Promise<void>;
  /** Sets the fault of an operation, replacing an earlier one; `times` 0 removes it. */
  setFault(fault: Fault): void;
  clearFaults(): void;
  faults(): readonly Fault[];
}

export const EMULATOR_PATH = '/_moraine/emulator';
const BODY_MS = 10_000;
/** Earlier times are negative; later years have more than four digits. */
const FIRST_MS = 0;
const END_MS = Date.UTC(9999, 0);
/** `2027-01-05`, `2027-01-05T12:00Z`, with seconds, fractions, and `Z` or an offset. */
const INSTANT = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/**
 * Answers a control request: `GET /_moraine/emulator`, `POST …/clock`, `POST …/reset`, `POST` and `DELETE …/faults`
 * (docs/emulator.md).
 * @throws 403 for what a web page may have sent, 404 for other paths, 400 for invalid bodies.
 */
export async function control(message: Message, emulator: Emulator): Promise<HttpReply> {
  requireNoWebPage(message, emulator.hosts);
  message.sendContinue();
  const members = parseJsonObject(await readSmallBody(message.incoming, BODY_MS));
  // A slash at the end is ignored, as in the API.
  const path = message.path.replace(/\/$/, '');
  const action = `${message.method} ${path.slice(EMULATOR_PATH.length)}`;
  if (action === 'POST /clock') await turnClock(members, emulator);
  else if (action === 'POST /reset') await emulator.reset();
  else if (action === 'POST /faults') emulator.setFault(parseFault(members));
  else if (action === 'DELETE /faults') emulator.clearFaults();
  else if (action !== 'GET ')
    throw new ApiError('UnknownOperationException', `There is no operation ${message.method} ${path}`);
  return { status: 200, json: await describe(emulator) };
}

async function describe(emulator: Emulator): Promise<unknown> {
  const next = await emulator.nextEventMs();
  return {
    now: new Date(emulator.now()).toISOString(),
    nextEvent: next === null ? null : new Date(next).toISOString(),
    faults: emulator.faults(),
  };
}

async function turnClock(members: ReadonlyMap<string, unknown>, emulator: Emulator): Promise<void> {
  const [[name, value] = ['', undefined], ...more] = members;
  if (more.length === 0 && name === 'advance')
    return emulator.advanceTo(
      value === 'next' ? await nextTime(emulator) : timeAfter(name, value, 1, emulator),
    );
  if (more.length === 0 && name === 'turnBack') return emulator.setTo(timeAfter(name, value, -1, emulator));
  if (more.length === 0 && name === 'set')
    return emulator.setTo(value === 'real' ? emulator.realMs() : parseInstant(value));
  throw invalidParameter(
    `Invalid clock: ${quote(Object.fromEntries(members))}. It must have one member: advance, turnBack or set.`,
  );
}

async function nextTime(emulator: Emulator): Promise<number> {
  return Math.max(emulator.now(), (await emulator.nextEventMs()) ?? 0);
}

function timeAfter(name: string, duration: unknown, sign: 1 | -1, emulator: Emulator): number {
  const ms = emulator.now() + sign * (parseDuration(duration) ?? Number.NaN);
  if (ms >= FIRST_MS && ms < END_MS) return ms;
  throw invalidDuration(name, duration);
}

function invalidDuration(name: string, value: unknown): Error {
  const what =
    name === 'advance' ? 'next, or a duration such as 10s, 5h or 7d' : 'a duration such as 10s, 5h or 7d';
  return invalidParameter(
    `Invalid ${name}: ${quote(value)}. It must be ${what}, and end within the years 1970 to 9998.`,
  );
}

function parseInstant(value: unknown): number {
  const ms = typeof value === 'string' && INSTANT.test(value) ? Date.parse(value) : Number.NaN;
  if (ms >= FIRST_MS && ms < END_MS) return ms;
  throw invalidParameter(
    `Invalid set: ${quote(value)}. It must be real, or an instant such as 2027-01-05T12:00:00Z, in the years 1970 to 9998.`,
  );
}
