import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ApiError } from '../domain/errors.ts';
import type { Reply } from '../operations/operation.ts';
import { BodyMessage } from './body-message.ts';
import { type ConnectionBounds, Connections } from './connections.ts';
import { control, EMULATOR_PATH, type Emulator } from './control.ts';
import { frontPage, wantsFrontPage } from './front-page.ts';
import { handle, type PipelineDeps } from './handle.ts';
import { type Message, type Exchange as MessageExchange, toMessage } from './message.ts';
import { boundDrain, sendError, sendReply } from './reply.ts';
import { ClientGone } from './small-body.ts';
import { toWireError } from './wire-error.ts';

/** A head beyond this is not even parsed; what is within is measured part by part (message.ts). */
const MAX_HEAD_BYTES = 65_536;
const HEADERS_MS = 30_000;
/** Above the 60 s after which proxies drop idle connections, so that it is never we who cut first. */
const KEEP_ALIVE_MS = 75_000;
const CHECKS_MS = 5000;
/** How long a client that was refused for no request may take to read why. */
const REFUSED_MS = 5000;
/** All that is ours and not the API's; no account id can be this. */
const OWN_PREFIX = '/_moraine/';
/** Two names for one question: a server that is up but cannot take uploads is not ready either. */
const HEALTH_PATHS: ReadonlySet<string> = new Set([`${OWN_PREFIX}health`, `${OWN_PREFIX}ready`]);

export interface ServerDeps {
  readonly pipeline: PipelineDeps;
  /** PEM texts; plain HTTP without. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly connections: ConnectionBounds;
  /** What `GET /_moraine/health` and `GET /_moraine/ready` tell. */
  health(): Health;
  /** Only where the server is an emulator. */
  readonly emulator?: Emulator;
}

interface Health {
  readonly status: 'ok' | 'failing';
  readonly [member: string]: unknown;
}

/** A server that does not listen yet. */
export function createServer(deps: ServerDeps): Server {
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: HEADERS_MS,
    // A steadily moving body is never cut for age: uploads watch their own progress.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECKS_MS,
    noDelay: true,
    IncomingMessage: BodyMessage,
    // A missing one is refused in the API's form, as everything else.
    requireHostHeader: false,
  };
  const server = deps.tls
    ? createHttpsServer({ ...limits, cert: deps.tls.cert, key: deps.tls.key })
    : createHttpServer(limits);
  // The size is what bounds them; a count would silently drop headers that a signature is over.
  server.maxHeadersCount = 0;
  // A client may say that nothing more comes and still want its answer.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  const connections = new Connections(deps.connections);
  connectionsOf.set(server, connections);
  server.on('connection', (socket: Socket) => connections.take(socket));
  const youngest: Exchanges = new WeakMap();
  const accept = (incoming: IncomingMessage, response: ServerResponse, letBodyCome = () => {}): void => {
    // One for each of its requests may wait for its end.
    incoming.socket.setMaxListeners(0);
    const earlier = youngest.get(incoming.socket)?.response;
    youngest.set(incoming.socket, { incoming, response, isLast: false, earlier });
    response.once('finish', () => {
      // Asked to stop meanwhile: a connection that was busy then would else idle on and keep us waiting.
      if (!server.listening) incoming.socket.destroySoon();
    });
    takeRequest(incoming, response, deps, letBodyCome, {
      keepConnection: () => void response.once('close', connections.keep(incoming.socket)),
      clientGone: () => clientGone(response),
    });
  };
  server.on('request', (incoming, response) => accept(incoming, response));
  // An expectation that nobody knows is none.
  server.on('checkExpectation', (incoming, response) => accept(incoming, response));
  server.on('checkContinue', (incoming, response) => {
    const keepAlive = response.shouldKeepAlive;
    // A client that is refused before `100 Continue` sends no body, so the connection could not go on.
    response.shouldKeepAlive = false;
    let asked = false;
    accept(incoming, response, () => {
      if (asked) return;
      asked = true;
      response.shouldKeepAlive = keepAlive;
      response.writeContinue();
    });
  });
  // Where there was no handshake nothing can be said: what is written waits for one for ever.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (error, socket) => {
    const exchange = youngest.get(socket);
    if (answersPending(socket, exchange)) return;
    // The request whose body breaks off here has its answer: another one would be taken for that of the next request.
    if (exchange && !exchange.incoming.complete && exchange.response.headersSent) {
      (socket as Socket).destroySoon();
      return;
    }
    // In the middle of another answer a refusal would be taken for a part of it.
    if (exchange?.earlier && !exchange.earlier.writableFinished) socket.destroy();
    else refuseMalformed(error, socket, deps.pipeline);
  });
  return server;
}

/** Of those without a request the server itself knows nothing. */
const connectionsOf = new WeakMap<Server, Connections>();

/** Ends every connection at once, whatever is under way. */
export function cutConnections(server: Server): void {
  connectionsOf.get(server)?.cut();
}

/** The youngest request of each connection, and its answer. */
type Exchanges = WeakMap<Duplex, Exchange>;

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** The connection ends when it is answered. */
  isLast: boolean;
  /** The answer before this one. */
  readonly earlier: ServerResponse | undefined;
}

/**
 * Bytes that are no request spoil a connection, but not the answers that it still waits for: the next thing
 * that the client reads must not be a refusal of something else, least of all in the middle of a download.
 * @returns whether there was an answer to wait for; the connection ends after it.
 */
function answersPending(socket: Duplex, exchange: Exchange | undefined): boolean {
  if (!exchange || exchange.response.writableFinished || !exchange.incoming.complete) return false;
  if (!exchange.isLast) exchange.response.once('finish', () => (socket as Socket).destroySoon());
  exchange.isLast = true;
  return true;
}

function takeRequest(
  incoming: IncomingMessage,
  response: ServerResponse,
  deps: ServerDeps,
  letBodyCome: () => void,
  exchange: MessageExchange,
): void {
  const requestId = deps.pipeline.operationDeps.ids.requestId();
  let message: Message;
  try {
    message = toMessage(incoming, requestId, letBodyCome, exchange);
  } catch (error) {
    sendError(response, requestId, error);
    boundDrain(incoming);
    return;
  }
  if (message.target.startsWith(OWN_PREFIX) || wantsFrontPage(message))
    void answerOwnPath(message, response, deps);
  else void handle(message, response, deps.pipeline);
}

function clientGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  const { socket } = response.req;
  // The connection's end, not the answer's: an answer that waits for the one before it is not told.
  const onClose = (): void => gone.abort(new ClientGone());
  if (socket.destroyed) onClose();
  socket.once('close', onClose);
  response.once('close', () => {
    socket.off('close', onClose);
    if (!response.writableFinished) onClose();
  });
  return gone.signal;
}

async function answerOwnPath(message: Message, response: ServerResponse, deps: ServerDeps): Promise<void> {
  try {
    await sendReply(response, message.requestId, await replyToOwnPath(message, deps));
  } catch (error) {
    sendError(response, message.requestId, error);
  }
  boundDrain(message.incoming);
}

async function replyToOwnPath(message: Message, { health, emulator }: ServerDeps): Promise<Reply> {
  if (wantsFrontPage(message)) return frontPage();
  const path = message.path.replace(/\/$/, '');
  if ((message.method === 'GET' || message.method === 'HEAD') && HEALTH_PATHS.has(path)) {
    const json = health();
    return { status: json.status === 'ok' ? 200 : 503, json };
  }
  if (emulator && message.target.startsWith(EMULATOR_PATH)) return control(message, emulator);
  throw new ApiError('UnknownOperationException', `There is no operation ${message.method} ${path}`);
}

/** What the HTTP parser refuses gets the API's form too; the connection is beyond use. */
function refuseMalformed(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  { operationDeps, wallClock }: PipelineDeps,
): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy();
    return;
  }
  const { status, body } = toWireError(malformed(error));
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    `Date: ${new Date(wallClock.now()).toUTCString()}`,
    `x-amzn-RequestId: ${operationDeps.ids.requestId()}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Who is told that the connection ends may keep it open all the same.
  const cut = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
  socket.once('close', () => clearTimeout(cut));
}

function malformed(error: NodeJS.ErrnoException): ApiError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const text = `The request's head is longer than ${MAX_HEAD_BYTES} bytes`;
    return new ApiError('BadRequest', text, { status: 431 });
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError('RequestTimeoutException', 'Request timed out.');
  return new ApiError('BadRequest', 'The request is not well-formed HTTP/1.1');
}
