import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Reply } from '../operations/operation.ts';
import { isShredded, releaseChunk } from './body-message.ts';
import { ClientGone } from './small-body.ts';
import { toWireError } from './wire-error.ts';

/** What is left of a refused body is read and dropped, so that the client gets to read why; within bounds. */
const DRAIN_BYTES = 256 * 1024 * 1024;
const DRAIN_MS = 30_000;
/** How long a piece of a download may take to go out. */
const SEND_IDLE_MS = 60_000;
const PIECE_BYTES = 1024 * 1024;

/**
 * Statuses whose answers carry `{}` where an operation has nothing more to say, as on the service: some clients
 * parse the body of each of these and fail on an empty one (Perl's Paws).
 */
const WITH_EMPTY_OBJECT: ReadonlySet<number> = new Set([201, 202]);

/** A reply with its HTTP status. */
export interface HttpReply extends Reply {
  readonly status: number;
}

/**
 * Sends an operation's answer. Empty bodies carry no Content-Type: old clients would try to parse them.
 * @throws what a stream throws after its head is out: the caller cuts the connection.
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
 * Sends chunks at the client's pace. Cuts the connection, without an error, when the client goes away or the chunks
 * end with ClientGone. Each chunk is out before the next is asked for, because its buffer is used again then.
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
    // The client need not be gone: the emulator breaks off an answer in the same way.
    response.destroy();
    return;
  }
  response.end();
}

/** Waits until nothing is sent from a chunk any more: then its buffer may be used again. */
async function waitForClose(socket: Socket): Promise<void> {
  if (socket.destroyed && !socket.closed) await new Promise((resolve) => socket.once('close', resolve));
}

/** Sends a chunk, piece by piece: of a write under TLS nobody sees how far it got, and it is copied whole. */
async function sendChunk(response: ServerResponse, chunk: Uint8Array, idleMs: number): Promise<void> {
  for (let at = 0; at < chunk.length && !isGone(response); at += PIECE_BYTES) {
    await sendPiece(response, chunk.subarray(at, at + PIECE_BYTES), idleMs);
  }
}

/** A client that takes nothing for `idleMs` is given up: it would hold the buffers for ever. */
function sendPiece(response: ServerResponse, piece: Uint8Array, idleMs: number): Promise<void> {
  // The connection's, not the answer's: an answer that waits for the one before it is not told of the end.
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

/** Whether nobody is there to read the answer. */
function isGone(response: ServerResponse): boolean {
  return response.destroyed || response.req.socket.destroyed;
}

/** Sends an error, unless an answer is under way already: then the connection is cut short instead. */
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
  response.setHeader('Content-Length', Buffer.byteLength(text));
  response.setTimeout(idleMs);
  response.writeHead(status);
  if (wouldResetBody(response)) {
    response.write(text);
    response.req.once('close', () => response.end());
  } else response.end(text);
}

/**
 * Whether the end of the answer would end the connection under a client that still sends its body: the reset would take
 * the answer away from it. How much more is read of such a body is bounded (`boundDrain`).
 */
function wouldResetBody(response: ServerResponse): boolean {
  const { req } = response;
  // Who asked whether to send at all is told by the answer.
  return !response.shouldKeepAlive && !req.complete && !req.destroyed && req.headers.expect === undefined;
}

/**
 * Bounds what is read of a body that is not wanted. Closing at once would reset the connection under a client
 * that is still sending, and it would never see the answer. A body in tiny chunks ends the connection early: each
 * of them costs as much processor time as a large one.
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
