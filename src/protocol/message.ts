import type { IncomingMessage } from 'node:http';
import { ApiError } from '../domain/errors.ts';
import { decodeEscapes, reduceTarget } from './target.ts';

/** Path and query together (limits of Moraine: docs/operating.md). */
const MAX_TARGET_BYTES = 8192;
/** All headers together, as they are written: `Name: value` and a line's end. */
const MAX_HEADER_BYTES = 16_384;

/** A request as it came in: nothing is believed yet. */
export interface Message {
  readonly requestId: string;
  readonly method: string;
  /** Path and query as `reduceTarget` gives them: the signature is over them, and the operation is found by them. */
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
   * The peer's address; IPv4 in its own form also on a socket of both families. Proxy headers are not believed. Empty
   * if the connection was gone before the head had been read.
   */
  readonly sourceAddress: string;
  /** By lower-case name; undefined when it was not sent. */
  header(name: string): string | undefined;
  readonly incoming: IncomingMessage;
  /** Tells a client that waits with `Expect: 100-continue` to send its body. */
  sendContinue(): void;
  /** Keeps the connection until the request is answered, however many others come: its sender is known. */
  keepConnection(): void;
  /** Aborted with ClientGone when the connection ends before the request is answered. */
  clientGone(): AbortSignal;
}

/** What a message needs of the connection that it came over. */
export type Exchange = Pick<Message, 'keepConnection' | 'clientGone'>;

/** Of a message without one. */
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
    // Now and not later: a connection that is gone has no address, and no Deny would catch it by its address.
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
    throw new ApiError('BadRequest', text, { status: 431 });
  }
  if (httpVersion !== '1.0' && headers.host === undefined) {
    throw new ApiError('BadRequest', 'The request has no Host header');
  }
}

function headerOf(incoming: IncomingMessage, name: string): string | undefined {
  const value = incoming.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

/** A repeated name is refused: the signature does not cover the order of its values. A plus is a plus, as signed. */
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
