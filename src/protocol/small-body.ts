import type { IncomingMessage } from 'node:http';
import { ApiError } from '../domain/errors.ts';
import { isShredded, MAX_CHUNKS } from './body-message.ts';
import { GatheredChunks } from './gathered-chunks.ts';
import type { BodyAccount } from './unproven-bodies.ts';

/** JSON bodies; anything longer is refused (limits of Moraine: docs/operating.md). */
export const MAX_JSON_BYTES = 1_048_576;
const MAX_NESTING = 32;

/** The client went away in the middle of its request: there is nobody to answer. */
export class ClientGone extends Error {
  constructor() {
    super('the client closed the connection before its request was complete');
    this.name = 'ClientGone';
  }
}

/** Whether the request's head announces a body. */
export function announcesBody(incoming: IncomingMessage): boolean {
  const length = incoming.headers['content-length'];
  return incoming.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * Reads a small body whole.
 * @param idleMs how long to wait without a byte.
 * @param place takes account of its bytes; where room is short it may refuse the body.
 * @throws 400 beyond the limits, 408 when it stalls, what `place` refuses it with, ClientGone.
 */
export function readSmallBody(
  incoming: IncomingMessage,
  idleMs: number,
  place?: BodyAccount,
): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks = new GatheredChunks();
    const timer = setTimeout(() => end(() => reject(requestTimeoutError())), idleMs);
    const end = (settle: () => void) => {
      clearTimeout(timer);
      incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      place?.leave();
      settle();
    };
    place?.enter((error) => end(() => reject(error)));
    const onData = (chunk: Buffer) => {
      timer.refresh();
      chunks.add(chunk);
      if (chunks.bytes > MAX_JSON_BYTES) end(() => reject(bodyTooLongError()));
      else if (isShredded(incoming)) end(() => reject(tooManyChunksError()));
      else place?.add(chunk.length);
    };
    const onEnd = () => end(() => resolve(Buffer.concat(chunks.take())));
    const onGone = () => end(() => reject(new ClientGone()));
    // It may have gone before anyone listened.
    if (incoming.destroyed) onGone();
    incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
  });
}

/** @throws 400 for a length beyond the limit, before a byte of it has come. */
export function requireSmallBody(incoming: IncomingMessage): void {
  if (Number(incoming.headers['content-length'] ?? 0) > MAX_JSON_BYTES) throw bodyTooLongError();
}

/** 408, worded as on the service. */
export function requestTimeoutError(): ApiError {
  return new ApiError('RequestTimeoutException', 'Request timed out.');
}

function tooManyChunksError(): ApiError {
  return new ApiError('BadRequest', `The request body comes in more than ${MAX_CHUNKS} chunks`);
}

function bodyTooLongError(): ApiError {
  return new ApiError('BadRequest', `The request body is longer than ${MAX_JSON_BYTES} bytes`);
}

/**
 * The members of a JSON body, whatever its Content-Type says. An empty body has none.
 * @throws 400 SerializationException for anything but a JSON object nested at most 32 deep.
 */
export function parseJsonObject(body: Buffer): ReadonlyMap<string, unknown> {
  if (body.length === 0) return new Map();
  let text: string;
  let value: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw notJsonError('it is not UTF-8');
  }
  if (nesting(text) > MAX_NESTING) throw notJsonError(`it is nested deeper than ${MAX_NESTING}`);
  try {
    value = JSON.parse(text, keepLargeIntegers);
  } catch (error) {
    throw notJsonError((error as Error).message);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw notJsonError('it is not an object');
  return new Map(Object.entries(value));
}

/** Whole numbers beyond 2^53 (`BytesPerHour` may be one) become bigint instead of losing digits. */
function keepLargeIntegers(_key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  // Longer ones are beyond every range of the API, and would only cost time.
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

function notJsonError(why: string): ApiError {
  return new ApiError('SerializationException', `The request body is not a JSON object: ${why}`);
}

/** Depth of brackets outside strings: known before the parser recurses. */
function nesting(text: string): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (inString) {
      if (c === '\\') i++;
      else if (c === '"') inString = false;
    } else if (c === '"') inString = true;
    else if (c === '{' || c === '[') deepest = Math.max(deepest, ++depth);
    else if (c === '}' || c === ']') depth--;
  }
  return deepest;
}
