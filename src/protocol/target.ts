import { ApiError } from '../domain/errors.ts';
import { normalizePath, splitTarget } from './signature/canonical-request.ts';

/** `http://authority` at the start of a target in absolute form (RFC 9112, section 3.2.2). */
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;
const SHOWN_CHARS = 200;

/** A request target, reduced to what is both signed and routed. */
export interface Target {
  /** Path and query together. */
  readonly text: string;
  /** Has no empty segments, and may end with one slash. Begins with a slash, unless the target was no path (`*`). */
  readonly path: string;
  /** The path's segments, percent-decoded once. None is empty; of `/` there are none. */
  readonly pathSegments: readonly string[];
  /** Without the question mark; empty if there is none. */
  readonly query: string;
}

/**
 * The one reading of a request target: the signature is judged over it and the operation is found by it, so that
 * no client can sign one path and reach another.
 *
 * Of an absolute form only path and query count: clients send it when the server is named as their proxy. Empty
 * segments are dropped, because a client has sent `//-/vaults` since 2012. One slash at the end stays in the path,
 * because clients sign it, and adds no segment.
 * @throws 400 for a path that cannot be decoded, and for `.` and `..` segments, which proxies resolve differently.
 */
export function reduceTarget(raw: string): Target {
  const { path: sent, query } = splitTarget(raw.replace(ORIGIN, ''));
  const segments = sent.split('/').map(decodeEscapes);
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    const shown = sent.slice(0, SHOWN_CHARS);
    throw new ApiError('InvalidParameterValueException', `Invalid path: ${shown}. It has . or .. segments.`);
  }
  const path = normalizePath(sent);
  return {
    text: raw.includes('?') ? `${path}?${query}` : path,
    path,
    // Without a slash at its start it is not a path of the API, whatever its segments are.
    pathSegments: path.startsWith('/') ? segments.filter((segment) => segment !== '') : [path],
    query,
  };
}

/** A segment, or one half of a parameter, percent-decoded once. @throws 400 when it is no UTF-8. */
export function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError('BadRequest', `The path or query cannot be decoded: ${text.slice(0, 100)}`);
  }
}
