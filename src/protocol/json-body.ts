/** JSON bodies: one object, parsed at most once a request. */
import type { Members } from '../operations/operation.ts';
import { ApiError } from './wire-error.ts';

const MAX_NESTING = 32;
const NO_MEMBERS: Members = new Map();

/** A body that an operation reads as JSON. Authorization, decoding and auditing share its members. */
export class JsonBody {
  /** Of an operation that reads no JSON: no members. */
  static readonly NONE = new JsonBody(Buffer.alloc(0));

  readonly #bytes: Buffer;
  #parsed: Members | ApiError | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @throws what `parseJsonObject` throws. */
  members(): Members {
    const parsed = this.#parse();
    if (parsed instanceof ApiError) throw parsed;
    return parsed;
  }

  /** The members; none of a body that is not valid. Never throws. */
  membersIfValid(): Members {
    const parsed = this.#parse();
    return parsed instanceof ApiError ? NO_MEMBERS : parsed;
  }

  #parse(): Members | ApiError {
    this.#parsed ??= membersOrError(this.#bytes);
    return this.#parsed;
  }
}

function membersOrError(bytes: Buffer): Members | ApiError {
  try {
    return parseJsonObject(bytes);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

/**
 * The members of a JSON body. Its Content-Type is ignored, and an empty body has none.
 * @throws 400 SerializationException for anything but a JSON object nested at most 32 deep.
 */
export function parseJsonObject(body: Buffer): Members {
  if (body.length === 0) return NO_MEMBERS;
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
  // Longer numbers exceed every range of the API; converting them would only cost time.
  return /^-?\d{1,20}$/.test(source) ? BigInt(source) : value;
}

function notJsonError(why: string): ApiError {
  return new ApiError('SerializationException', `The request body is not a JSON object: ${why}`);
}

/** Depth of brackets outside strings, counted before the parser recurses. */
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
