/** The emulator's control endpoints under `/_moraine/emulator`: for those who test software against Glacier. */
import { ApiError, ERROR_KINDS, type ErrorCode, invalidParameter, shown } from '../domain/errors.ts';
import type { Reply } from '../operations/operation.ts';
import { API } from '../operations/table.ts';
import type { Message } from './message.ts';
import { parseJsonObject, readSmallBody } from './small-body.ts';

/** A fault that waits for its operation. */
export interface Fault {
  readonly operation: string;
  readonly code: ErrorCode;
  /** How many more times it happens. */
  readonly times: number;
}

/** What the emulator lets its user do. */
export interface Emulator {
  /** Turned time, ms since the epoch. */
  now(): number;
  /** When the next thing happens by itself, ms since the epoch; null if nothing will. */
  nextEventMs(): Promise<number | null>;
  /** Turns the clock on to this time; everything that falls due on the way has happened when it resolves. */
  advanceTo(ms: number): Promise<void>;
  /** Forgets all vaults and their contents; keys, settings and the clock stay. */
  reset(): Promise<void>;
  /** Makes an operation fail; `times` 0 takes its faults back. */
  setFault(fault: Fault): void;
  faults(): readonly Fault[];
}

export const EMULATOR_PATH = '/_moraine/emulator';
const BODY_MS = 10_000;
const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Dates beyond the year 9999 have another form. */
const END_OF_TIME = Date.UTC(9999, 0);

/**
 * Answers a control request.
 * `GET /_moraine/emulator` state · `POST …/clock {"advance":"5h"|"next"}` · `POST …/reset` ·
 * `POST …/faults {"operation":"UploadArchive","code":"ThrottlingException","times":2}`
 * @throws 404 for other paths, 400 for bodies that do not fit.
 */
export async function control(message: Message, emulator: Emulator): Promise<Reply> {
  // The endpoints are not signed: a web page that somebody looks at must not reach them.
  if (message.header('origin') !== undefined)
    throw new ApiError('AccessDeniedException', 'Not from a web page');
  message.letBodyCome();
  const members = parseJsonObject(await readSmallBody(message.incoming, BODY_MS));
  const action = `${message.method} ${message.target.slice(EMULATOR_PATH.length)}`;
  if (action === 'POST /clock') await emulator.advanceTo(await wantedTime(members.get('advance'), emulator));
  else if (action === 'POST /reset') await emulator.reset();
  else if (action === 'POST /faults') emulator.setFault(parseFault(members));
  else if (action !== 'GET ')
    throw new ApiError('UnknownOperationException', `There is no operation ${action}`);
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

async function wantedTime(advance: unknown, emulator: Emulator): Promise<number> {
  if (advance === 'next') return Math.max(emulator.now(), (await emulator.nextEventMs()) ?? 0);
  const [, number, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(typeof advance === 'string' ? advance : '') ?? [];
  const wanted = emulator.now() + Number(number) * UNITS[unit as keyof typeof UNITS];
  if (wanted < END_OF_TIME) return wanted;
  throw invalidParameter(
    `Invalid advance: ${shown(advance)}. It must be next, or a duration such as 10s, 5h or 7d, within the year 9998.`,
  );
}

function parseFault(members: ReadonlyMap<string, unknown>): Fault {
  const operation = members.get('operation');
  const code = members.get('code') ?? 'ServiceUnavailableException';
  const times = members.get('times') ?? 1;
  if (typeof operation !== 'string' || !API.some(({ name }) => name === operation))
    throw invalidParameter(`Invalid operation: ${shown(operation)}`);
  if (typeof code !== 'string' || !Object.hasOwn(ERROR_KINDS, code)) {
    throw invalidParameter(
      `Invalid code: ${shown(code)}. It must be one of ${Object.keys(ERROR_KINDS).join(', ')}.`,
    );
  }
  if (typeof times !== 'number' || !Number.isInteger(times) || times < 0) {
    throw invalidParameter(`Invalid times: ${shown(times)}. It must be a whole number of at least 0.`);
  }
  return { operation, code: code as ErrorCode, times };
}
