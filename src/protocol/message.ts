import type { IncomingMessage } from 'node:http';
import { decodeEscapes, reduceTarget } from './target.ts';
import { ApiError, HttpError } from './wire-error.ts';

/** Limit for path and query together (docs/operating.md). */
const MAX_TARGET_BYTES = 8192;
/** Limit for all headers together, each as `Name: value` with its line break. */
const MAX_HEADER_BYTES = 16_384;

/** A request as received: nothing of it is verified yet. */
export interface Message {
  readonly requestId: string;
  readonly method: string;
  /** Path and query, reduced by `reduceTarget`: the form that is signed and routed. */
  readonly target: string;
  /** The path without its query. */
  readonly path: string;
  /** The path's segments, percent-decoded once; none is empty. */
  readonly pathSegments: readonly string[];
  /** Query parameters, decoded. */
  readonly query: ReadonlyMap<string, string>;
  /** Name and value alternating, as sent. */
  readonly rawHeaders: readonly string[];
  /**
   * The peer's address, never one from a proxy's header. IPv4 is in dotted form even on a dual-stack socket. Empty if the
   * connection closed before the head was read.
   */
  readonly sourceAddress: string;
  /** A header by its lower-case name; undefined when it was not sent. */
  header(name: string): string | undefined;
  readonly incoming: IncomingMessage;
  /** Tells a client that waits with `Expect: 100-continue` to send its body. */
  sendContinue(): void;
  /** Exempts the connection from being given up until the request is answered: its sender is known. */
  keepConnection(): void;
  /** Aborted with ClientGone when the connection ends before the request is answered. */
  clientGone(): AbortSignal;
}

/** The parts of a message that depend on its connection. */
export type Exchange = Pick<Message, 'keepConnection' | 'clientGone'>;

/** For a message without a connection. */
const NO_EXCHANGE: Exchange = { keepConnection: () => {}, clientGone: () => new AbortController().signal };

/** @throws 400 for a target that is too long or not decodable, 431 for headers that are too long. */
export function toMessage(
  incoming: IncomingMessage,
  requestId: string,
  sendContinue: () => void,
  { keepConnection, clientGone }: Exchange = NO_EXCHANGE,
): Message {
  requireBoundedHeaders(incoming);
  const sent = incoming.url ?? '/';
  if (Buffer.byteLength(sent) > MAX_TARGET_BYTES) {
    throw new ApiError('BadRequest', `The path and query are longer than ${MAX_TARGET_BYTES} bytes`);
  }
  const { text: target, path, pathSegments, query } = reduceTarget(sent);
  return {
    requestId,
    method: incoming.method ?? 'GET',
    target,
    path,
    pathSegments,
    query: parseQuery(query),
    rawHeaders: incoming.rawHeaders,
    // Read now: a closed connection has no address, and a Deny by address would not match it.
    sourceAddress: (incoming.socket.remoteAddress ?? '').replace(/^::ffff:(?=\d+\.)/, ''),
    header: (name) => headerOf(incoming, name),
    incoming,
    sendContinue,
    keepConnection,
    clientGone,
  };
}

function requireBoundedHeaders({ rawHeaders, headers, httpVersion }: IncomingMessage): void {
  const bytes = rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
  if (bytes > MAX_HEADER_BYTES) {
    const text = `The request's headers are longer than ${MAX_HEADER_BYTES} bytes together`;
    throw new HttpError(431, 'BadRequest', text);
  }
  if (httpVersion !== '1.0' && headers.host === undefined) {
    throw new ApiError('BadRequest', 'The request has no Host header');
  }
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** Refuses a repeated name, because the signature does not cover the order of its values. A plus stays a plus, as signed. */
function parseQuery(text: string): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const piece of text.split('&')) {
    if (piece === '') continue;
    const at = piece.indexOf('=');
    const name = decodeEscapes(at < 0 ? piece : piece.slice(0, at));
    if (query.has(name)) throw new ApiError('BadRequest', `The query parameter ${name} is given twice`);
    query.set(name, at < 0 ? '' : decodeEscapes(piece.slice(at + 1)));
  }
  return query;
}
