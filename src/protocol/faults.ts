/** Faults that the emulator injects on request: how they are written, and what they do to an operation. */
import type { BlobStore, BlobWriter } from '../domain/blob-store.ts';
import { parseDuration } from '../domain/duration.ts';
import { invalidParameter, quote } from '../domain/errors.ts';
import type { ErrorCode } from '../operations/error-code.ts';
import type { Operation, UploadBody } from '../operations/operation.ts';
import { OPERATIONS } from '../operations/table.ts';
import type { Message } from './message.ts';
import type { HttpReply } from './reply.ts';
import { ClientGone } from './small-body.ts';
import { ApiError, ERROR_FORMS } from './wire-error.ts';

/** Where the connection is cut: before the operation runs, within a body, or once the operation is done. */
const CUTS = ['before', 'during', 'after'] as const;
/** How the bytes of a download are damaged; its head is correct. */
const DAMAGES = ['short', 'corrupt'] as const;
const LONGEST_LATENCY_MS = 3_600_000;
const MOST_TIMES = 1_000_000;
const MEMBERS = ['operation', 'times', 'latency', 'code', 'cut', 'download'];

/** A fault of one operation. It has at most one of `code`, `cut` and `download`. */
export interface Fault {
  readonly operation: string;
  /** How many more times it is injected. */
  readonly times: number;
  /** How long the operation waits before it runs, in real time, such as `2s`. */
  readonly latency?: string;
  /** The operation answers this error and does nothing. */
  readonly code?: ErrorCode;
  readonly cut?: (typeof CUTS)[number];
  /** `short`: half of the bytes, with a matching Content-Length; `corrupt`: one bit is flipped. */
  readonly download?: (typeof DAMAGES)[number];
}

/**
 * Reads a fault from the members of a control request. Without `latency`, `cut` and `download` it is an error, by
 * default `ServiceUnavailableException`.
 * @throws 400 for an invalid member.
 */
export function parseFault(members: ReadonlyMap<string, unknown>): Fault {
  const named = members.get('operation');
  const operation = OPERATIONS.find(({ name }) => name === named);
  if (!operation)
    throw invalidParameter(
      `Invalid operation: ${quote(named)}. It must be one of the API, such as ListVaults.`,
    );
  const unknown = [...members.keys()].find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined)
    throw invalidParameter(`Invalid member: ${quote(unknown)}. A fault has ${MEMBERS.join(', ')}.`);
  const kinds = ['code', 'cut', 'download'].filter((name) => members.has(name));
  if (kinds.length > 1)
    throw invalidParameter(
      `Invalid fault: it has ${kinds.join(' and ')}, and one operation can meet only one of them.`,
    );
  const times = parseTimes(members.get('times') ?? 1);
  const latency = members.has('latency') ? { latency: parseLatency(members.get('latency')) } : {};
  return { operation: operation.name, times, ...latency, ...parseKind(operation, kinds[0], members) };
}

function parseKind(
  { name, isDownload }: Operation,
  kind: string | undefined,
  members: ReadonlyMap<string, unknown>,
): Pick<Fault, 'code' | 'cut' | 'download'> {
  if (kind === 'cut') return { cut: oneOf(CUTS, 'cut', members.get('cut')) };
  if (kind === 'download') {
    const download = oneOf(DAMAGES, 'download', members.get('download'));
    if (isDownload) return { download };
    const downloads = OPERATIONS.filter((one) => one.isDownload).map((one) => one.name);
    throw invalidParameter(
      `Invalid download: ${download}. Only ${downloads.join(' and ')} send bytes, and this is ${name}.`,
    );
  }
  if (kind === undefined && members.has('latency')) return {};
  const code = members.get('code') ?? 'ServiceUnavailableException';
  return { code: oneOf(Object.keys(ERROR_FORMS) as ErrorCode[], 'code', code) };
}

function oneOf<Value extends string>(values: readonly Value[], name: string, value: unknown): Value {
  const found = values.find((one) => one === value);
  if (found !== undefined) return found;
  throw invalidParameter(`Invalid ${name}: ${quote(value)}. It must be one of ${values.join(', ')}.`);
}

function parseTimes(times: unknown): number {
  if (typeof times === 'number' && Number.isInteger(times) && times >= 0 && times <= MOST_TIMES) return times;
  throw invalidParameter(
    `Invalid times: ${quote(times)}. It must be a whole number from 0 to ${MOST_TIMES}.`,
  );
}

function parseLatency(latency: unknown): string {
  const ms = parseDuration(latency);
  if (ms !== undefined && ms <= LONGEST_LATENCY_MS) return String(latency);
  throw invalidParameter(
    `Invalid latency: ${quote(latency)}. It must be a duration such as 500ms or 10s, up to 1h.`,
  );
}

/** The faults to inject. */
export interface Faults {
  /** The fault for an operation that is about to run; counts it down by one. */
  take(operation: string): Fault | undefined;
  /** Aborted when the server stops: ends every latency. */
  readonly stopping: AbortSignal;
}

/**
 * Runs an operation under a fault.
 * @param stopping ends a latency early.
 * @param run runs the operation; called at most once, with `body` or with one that breaks off.
 * @throws the fault's error, ClientGone where the connection is to be cut without a reply, and what `run` throws.
 */
export async function runUnderFault(
  fault: Fault,
  message: Message,
  stopping: AbortSignal,
  body: UploadBody | undefined,
  run: (body: UploadBody | undefined) => Promise<HttpReply>,
): Promise<HttpReply> {
  if (fault.latency !== undefined) await pause(parseDuration(fault.latency) ?? 0, message, stopping);
  if (fault.code !== undefined)
    throw new ApiError(fault.code, `This error was asked for at /_moraine/emulator/faults: ${fault.code}`);
  if (fault.cut === 'before') throw new ClientGone();
  if (fault.cut === 'during' && body) return run(new BrokenBody(body));
  const reply = await run(body);
  if (fault.cut === 'during') return withBytes(reply, (bytes, length) => cutAfter(bytes, length >> 1));
  if (fault.cut === 'after') return withBytes(reply, (bytes) => cutAfter(bytes, 0));
  if (fault.download === 'corrupt') return withBytes(reply, corrupted);
  return fault.download === 'short' ? shortened(reply) : reply;
}

/** An upload whose connection is cut when half of its bytes have arrived. Nothing of it is stored. */
class BrokenBody implements UploadBody {
  readonly #body: UploadBody;

  constructor(body: UploadBody) {
    this.#body = body;
  }

  get length(): number {
    return this.#body.length;
  }

  store(
    blobs: Pick<BlobStore, 'create'>,
    describe: Parameters<UploadBody['store']>[1],
  ): ReturnType<UploadBody['store']> {
    const create = async (size: number | null) => breakWriter(await blobs.create(size), this.length / 2);
    return this.#body.store({ create }, describe);
  }
}

/** The writer, whose `write` throws ClientGone once `limit` bytes are written. */
function breakWriter(writer: BlobWriter, limit: number): BlobWriter {
  let written = 0;
  return {
    async write(chunks) {
      await writer.write(chunks);
      written += chunks.reduce((sum, { length }) => sum + length, 0);
      if (written >= limit) throw new ClientGone();
    },
    digest: () => writer.digest(),
    finish: (label) => writer.finish(label),
    discard: () => writer.discard(),
  };
}

/** Waits `ms`, or until the connection closes or the server stops. */
function pause(ms: number, { incoming }: Message, stopping: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const { socket } = incoming;
    const end = (): void => {
      clearTimeout(timer);
      socket.off('close', end);
      stopping.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    socket.on('close', end);
    stopping.addEventListener('abort', end);
    if (socket.destroyed || stopping.aborted) end();
  });
}

/** Changes the bytes of a reply. `length` is its Content-Length. */
type Change = (bytes: AsyncIterable<Uint8Array>, length: number) => AsyncGenerator<Uint8Array>;

/** The reply with its body changed and its head as it was. */
function withBytes(reply: HttpReply, change: Change): HttpReply {
  if (reply.stream) return { ...reply, stream: change(reply.stream, lengthOf(reply)) };
  const body = Buffer.from(reply.json === undefined ? '' : JSON.stringify(reply.json));
  const { json: _, ...head } = reply;
  const headers = {
    ...reply.headers,
    ...(reply.json === undefined ? {} : { 'Content-Type': 'application/json' }),
    ...(reply.status === 204 ? {} : { 'Content-Length': String(body.length) }),
  };
  return { ...head, headers, stream: change(once(body), body.length) };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

function lengthOf({ headers }: HttpReply): number {
  return Number(headers?.['Content-Length'] ?? 0);
}

/** The first `count` bytes, then an error that cuts the connection. */
async function* cutAfter(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  yield* first(bytes, count);
  throw new ClientGone();
}

/** The reply cut to half of its bytes, rounded up, with a matching Content-Length. Only tree hash and size reveal it. */
function shortened(reply: HttpReply): HttpReply {
  if (!reply.stream) return reply;
  const half = Math.ceil(lengthOf(reply) / 2);
  return {
    ...reply,
    headers: { ...reply.headers, 'Content-Length': String(half) },
    stream: first(reply.stream, half),
  };
}

/** The first `count` bytes. Starts the source even for 0, because an unstarted generator never runs its cleanup. */
async function* first(bytes: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of bytes) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

/** Flips one bit of the middle byte. Leaves the chunk itself unchanged, because its buffer is reused. */
async function* corrupted(bytes: AsyncIterable<Uint8Array>, length: number): AsyncGenerator<Uint8Array> {
  const middle = length >> 1;
  let at = 0;
  for await (const chunk of bytes) {
    const within = middle - at;
    at += chunk.length;
    if (within < 0 || within >= chunk.length) {
      yield chunk;
      continue;
    }
    yield chunk.subarray(0, within);
    yield Uint8Array.of((chunk[within] ?? 0) ^ 1);
    yield chunk.subarray(within + 1);
  }
}
