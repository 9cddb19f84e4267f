import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../operations/operation.ts';
import { isShredded, releaseChunk } from './body-message.ts';
import { ClientGone } from './small-body.ts';
import { toWireError } from './wire-error.ts';

/** Limits for reading and dropping the rest of a refused body, which lets the client read the refusal. */
const DRAIN_BYTES = 256 * 1024 * 1024;
const DRAIN_MS = 30_000;
/** How long a piece of a download may take to go out. */
const SEND_IDLE_MS = 60_000;
const PIECE_BYTES = 1024 * 1024;

/**
 * Statuses whose replies have the body `{}` where an operation gives none, as on the service: some clients parse the body
 * and fail on an empty one (Perl's Paws).
 */
const WITH_EMPTY_OBJECT: ReadonlySet<number> = new Set([201, 202]);

/** A reply with its HTTP status. */
export interface HttpReply extends Reply {
  readonly status: number;
}

/**
 * Sends a reply. An empty body has no Content-Type, because old clients would try to parse it.
 * @throws what the stream throws after the head is sent; the caller must cut the connection.
 */
export async function sendReply(
  response: ServerResponse,
  requestId: string,
  reply: HttpReply,
  idleMs = SEND_IDLE_MS,
): Promise<void> {
  response.setHeader('x-amzn-RequestId', requestId);
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (reply.stream) {
    response.writeHead(reply.status);
    await sendStream(response, reply.stream, idleMs);
    return;
  }
  const json = reply.json ?? (WITH_EMPTY_OBJECT.has(reply.status) ? {} : undefined);
  if (json === undefined) {
    if (reply.status !== 204) response.setHeader('Content-Length', 0);
    response.setTimeout(idleMs);
    response.writeHead(reply.status).end();
    return;
  }
  sendJson(response, reply.status, JSON.stringify(json), idleMs);
}

/**
 * Sends chunks at the client's pace. Cuts the connection, without an error, when the client goes away or the stream
 * throws ClientGone. Requests the next chunk only when the last is sent, because its buffer is reused then.
 */
async function sendStream(
  response: ServerResponse,
  chunks: AsyncIterable<Uint8Array>,
  idleMs: number,
): Promise<void> {
  try {
    for await (const chunk of chunks) {
      if (isGone(response)) return;
      await sendChunk(response, chunk, idleMs);
      if (isGone(response)) await waitForClose(response.req.socket);
    }
  } catch (error) {
    if (!(error instanceof ClientGone)) throw error;
    // The client may still be there: the emulator breaks off a reply in the same way.
    response.destroy();
    return;
  }
  response.end();
}

/** Waits until a destroyed socket no longer reads the chunk, whose buffer may then be reused. */
async function waitForClose(socket: Socket): Promise<void> {
  if (socket.destroyed && !socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Sends a chunk in pieces: TLS copies each write whole and shows no progress within it. */
async function sendChunk(response: ServerResponse, chunk: Uint8Array, idleMs: number): Promise<void> {
  for (let at = 0; at < chunk.length && !isGone(response); at += PIECE_BYTES) {
    await sendPiece(response, chunk.subarray(at, at + PIECE_BYTES), idleMs);
  }
}

/** Sends a piece. Gives up a client that reads nothing for `idleMs`, because it would hold the buffers for ever. */
function sendPiece(response: ServerResponse, piece: Uint8Array, idleMs: number): Promise<void> {
  // The socket's `close`: a pipelined response that waits for an earlier one emits none.
  const { socket } = response.req;
  return new Promise((resolve) => {
    const done = (): void => {
      response.setTimeout(0);
      socket.off('close', done);
      resolve();
    };
    socket.on('close', done);
    response.setTimeout(idleMs);
    response.write(piece, done);
  });
}

/** Whether the client can no longer read the reply. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed;
}

/** Sends an error, or cuts the connection if a reply has begun. */
export function sendError(response: ServerResponse, requestId: string, error: unknown): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, body } = toWireError(error);
  response.setHeader('x-amzn-RequestId', requestId);
  sendJson(response, status, body);
}

function sendJson(response: ServerResponse, status: number, text: string, idleMs = SEND_IDLE_MS): void {
  response.setHeader('Content-Type', 'application/json');
  const bytes = Buffer.byteLength(text);
  response.setHeader('Content-Length', bytes);
  response.setTimeout(idleMs);
  response.writeHead(status);
  // ASCII goes out in one piece with the head, which Node.js writes as Latin-1.
  const encoding = bytes === text.length ? 'latin1' : 'utf8';
  if (wouldResetBody(response)) {
    response.write(text, encoding);
    response.req.once('close', () => response.end());
  } else response.end(text, encoding);
}

/**
 * Whether ending the response would close the connection while the client still sends its body: the reset could destroy
 * the reply before the client reads it. `boundDrain` bounds how much more of the body is read.
 */
function wouldResetBody(response: ServerResponse): boolean {
  const { req } = response;
  // With `Expect: 100-continue`, the final response tells the client not to send.
  return !response.shouldKeepAlive && !req.complete && !req.destroyed && req.headers.expect === undefined;
}

/**
 * Reads and drops the rest of an unwanted body, within limits. Closing at once would reset the connection under a client
 * that still sends, and it would never see the reply. A body in tiny chunks is cut early, because each chunk costs as
 * much CPU time as a large one.
 */
export function boundDrain(incoming: IncomingMessage): void {
  if (incoming.complete || incoming.destroyed) return;
  if (isShredded(incoming)) {
    incoming.destroy();
    return;
  }
  let bytes = 0;
  const timer = setTimeout(() => incoming.destroy(), DRAIN_MS);
  incoming.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    releaseChunk(chunk);
    if (bytes > DRAIN_BYTES || isShredded(incoming)) incoming.destroy();
  });
  incoming.on('close', () => clearTimeout(timer));
  incoming.on('error', () => {});
  incoming.resume();
}
