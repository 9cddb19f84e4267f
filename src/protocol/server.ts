import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { BodyMessage } from './body-message.ts';
import { type ConnectionBounds, Connections } from './connections.ts';
import { control, EMULATOR_PATH, type Emulator } from './control.ts';
import { frontPage, wantsFrontPage } from './front-page.ts';
import { handle, type PipelineDeps } from './handle.ts';
import { type Message, type Exchange as MessageExchange, toMessage } from './message.ts';
import { boundDrain, type HttpReply, sendError, sendReply } from './reply.ts';
import { ClientGone } from './small-body.ts';
import { ApiError, HttpError, toWireError } from './wire-error.ts';

/** Limit of the HTTP parser for a request's head. message.ts has limits for its parts. */
const MAX_HEAD_BYTES = 65_536;
const HEADERS_MS = 30_000;
/** Above the 60 s after which proxies drop idle connections, so that the proxy closes first. */
const KEEP_ALIVE_MS = 75_000;
const CHECKS_MS = 5000;
/** How long a client may take to read the refusal of a malformed request. */
const REFUSED_MS = 5000;
/** Prefix of Moraine's own paths. No account id can have this form. */
const OWN_PREFIX = '/_moraine/';
/** Two names for one check: a server that is up but cannot take uploads is not ready. */
const HEALTH_PATHS: ReadonlySet<string> = new Set([`${OWN_PREFIX}health`, `${OWN_PREFIX}ready`]);

export interface ServerDeps {
  readonly pipeline: PipelineDeps;
  /** PEM texts; without them the server speaks plain HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
  readonly connections: ConnectionBounds;
  /** The reply of `GET /_moraine/health` and `GET /_moraine/ready`. */
  health(): Health;
  /** In the emulator only. */
  readonly emulator?: Emulator;
}

interface Health {
  readonly status: 'ok' | 'failing';
  readonly [member: string]: unknown;
}

/** Creates a server that does not listen yet. */
export function createServer(deps: ServerDeps): Server {
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    headersTimeout: HEADERS_MS,
    // No limit on a whole request: each body has a limit on the time without a byte.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECKS_MS,
    noDelay: true,
    IncomingMessage: BodyMessage,
    // message.ts refuses a missing Host in the API's form.
    requireHostHeader: false,
  };
  const server = deps.tls
    ? createHttpsServer({ ...limits, cert: deps.tls.cert, key: deps.tls.key })
    : createHttpServer(limits);
  // Headers are bounded by size: a bound by count would silently drop headers that the signature covers.
  server.maxHeadersCount = 0;
  // A client may close its sending side and still read the reply.
  (server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true;
  const connections = new Connections(deps.connections);
  connectionsOf.set(server, connections);
  server.on('connection', (socket: Socket) => connections.take(socket));
  const youngest: Exchanges = new WeakMap();
  const accept = (incoming: IncomingMessage, response: ServerResponse, letBodyCome = () => {}): void => {
    // Each pipelined request adds a listener for the socket's end.
    incoming.socket.setMaxListeners(0);
    const earlier = youngest.get(incoming.socket)?.response;
    youngest.set(incoming.socket, { incoming, response, isLast: false, earlier });
    response.once('finish', () => {
      // The server was stopped meanwhile: an idle connection would delay its end.
      if (!server.listening && !draining.has(server)) incoming.socket.destroySoon();
    });
    if (connections.isEnding(incoming.socket)) response.shouldKeepAlive = false;
    takeRequest(incoming, response, deps, letBodyCome, {
      keepConnection: () => void response.once('close', connections.keep(incoming.socket)),
      clientGone: () => clientGone(response),
    });
  };
  server.on('request', (incoming, response) => accept(incoming, response));
  // Unknown `Expect` values are ignored.
  server.on('checkExpectation', (incoming, response) => accept(incoming, response));
  server.on('checkContinue', (incoming, response) => {
    const keepAlive = response.shouldKeepAlive && !connections.isEnding(incoming.socket);
    // A client refused before `100 Continue` may or may not send its body, so the connection cannot be reused.
    response.shouldKeepAlive = false;
    let asked = false;
    accept(incoming, response, () => {
      if (asked) return;
      asked = true;
      response.shouldKeepAlive = keepAlive;
      response.writeContinue();
    });
  });
  // Without a handshake no reply can be sent: a write would wait for it for ever.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('clientError', (error, socket) => {
    const exchange = youngest.get(socket);
    if (answersPending(socket, exchange)) return;
    // This request's body broke off after its reply: the client would take a refusal for the next request's reply.
    if (exchange && !exchange.incoming.complete && exchange.response.headersSent) {
      (socket as Socket).destroySoon();
      return;
    }
    // An earlier reply is being sent, so the client would take a refusal for a part of it.
    if (exchange?.earlier && !exchange.earlier.writableFinished) socket.destroy();
    else refuseMalformed(error, socket, deps.pipeline);
  });
  return server;
}

/** Node's server does not list its connections, such as those without a request. */
const connectionsOf = new WeakMap<Server, Connections>();

/** Servers that accept no more connections, and let those that they have end by themselves. */
const draining = new WeakSet<Server>();

/** Lets each present connection end with its next answer: of several processes on a port, others may get the next. */
export function spreadConnections(server: Server): void {
  connectionsOf.get(server)?.endAll();
}

/**
 * Accepts no more connections, and resolves when all have ended: with their next answer, or when they were idle for long
 * enough. `stopDraining` ends this early.
 */
export function drainConnections(server: Server): Promise<void> {
  draining.add(server);
  spreadConnections(server);
  // Not the close of node:http, which cuts idle connections: a request may be under way on them.
  return new Promise((resolve) => NetServer.prototype.close.call(server, () => resolve()));
}

/** From now on a drained server ends like any other: connections close after the answers that are due. */
export function stopDraining(server: Server): void {
  draining.delete(server);
}

/** Cuts every connection at once, with or without requests in progress. */
export function cutConnections(server: Server): void {
  connectionsOf.get(server)?.cut();
}

/** The youngest request of each connection, and its response. */
type Exchanges = WeakMap<Duplex, Exchange>;

interface Exchange {
  readonly incoming: IncomingMessage;
  readonly response: ServerResponse;
  /** Whether the connection closes after this response. */
  isLast: boolean;
  /** The response before this one. */
  readonly earlier: ServerResponse | undefined;
}

/**
 * After malformed bytes, lets the responses that are still due go out before the connection closes: the client would take
 * a refusal for one of them, or for a part of a download.
 * @returns whether a response is still due.
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
  // The socket's `close`: a pipelined response that waits for an earlier one emits none.
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

async function replyToOwnPath(message: Message, { health, emulator }: ServerDeps): Promise<HttpReply> {
  if (wantsFrontPage(message)) return frontPage();
  const path = message.path.replace(/\/$/, '');
  if ((message.method === 'GET' || message.method === 'HEAD') && HEALTH_PATHS.has(path)) {
    const json = health();
    return { status: json.status === 'ok' ? 200 : 503, json };
  }
  if (emulator && message.target.startsWith(EMULATOR_PATH)) return control(message, emulator);
  throw new ApiError('UnknownOperationException', `There is no operation ${message.method} ${path}`);
}

/** Answers what the HTTP parser refuses in the API's form, and closes the connection. */
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
  // Clients may ignore `Connection: close`.
  const cut = setTimeout(() => socket.destroy(), REFUSED_MS).unref();
  socket.once('close', () => clearTimeout(cut));
}

function malformed(error: NodeJS.ErrnoException): ApiError {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const text = `The request's head is longer than ${MAX_HEAD_BYTES} bytes`;
    return new HttpError(431, 'BadRequest', text);
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT')
    return new ApiError('RequestTimeoutException', 'Request timed out.');
  return new ApiError('BadRequest', 'The request is not well-formed HTTP/1.1');
}
