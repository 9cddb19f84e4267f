import { normalizePath, splitTarget } from './signature/canonical-request.ts';
import { ApiError } from './wire-error.ts';

/** `http://authority` at the start of a target in absolute form (RFC 9112, section 3.2.2). */
const ORIGIN = /^[A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*/;
const SHOWN_CHARS = 200;

/** A request target, reduced to the form that is signed and routed. */
export interface Target {
  /** Path and query together. */
  readonly text: string;
  /** Without empty segments; may end with one slash. Begins with a slash, unless the target was not a path (`*`). */
  readonly path: string;
  /** The path's segments, percent-decoded once. No segment is empty; `/` has no segments. */
  readonly pathSegments: readonly string[];
  /** Without the question mark; empty if there is none. */
  readonly query: string;
}

/**
 * Reduces a request target. Both the signature and the router use the result, so that no client can sign one path and
 * reach another.
 *
 * The scheme and host of an absolute form are dropped: clients send them when the server is configured as their proxy.
 * Empty segments are dropped, because a client has sent `//-/vaults` since 2012. One slash at the end stays in the path,
 * because clients sign it, and adds no segment.
 * @throws 400 for a path that cannot be decoded, and for `.` and `..` segments, which proxies resolve differently.
 */
export function reduceTarget(raw: string): Target {
  const { path: sent, query } = splitTarget(raw.startsWith('/') ? raw : raw.replace(ORIGIN, ''));
  const segments = sent.includes('%') ? sent.split('/').map(decodeEscapes) : sent.split('/');
  if (segments.some((segment) => segment === '.' || segment === '..')) {
    const shown = sent.slice(0, SHOWN_CHARS);
    throw new ApiError('InvalidParameterValueException', `Invalid path: ${shown}. It has . or .. segments.`);
  }
  const path = normalizePath(sent);
  return {
    text: raw.includes('?') ? `${path}?${query}` : path,
    path,
    // A target without a leading slash is no path of the API, whatever its segments are.
    pathSegments: path.startsWith('/') ? segments.filter((segment) => segment !== '') : [path],
    query,
  };
}

/** Percent-decodes a segment, or a parameter's name or value, once. @throws 400 when the result is not UTF-8. */
export function decodeEscapes(text: string): string {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ApiError('BadRequest', `The path or query cannot be decoded: ${text.slice(0, 100)}`);
  }
}
