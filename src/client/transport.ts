import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { ConnectionError } from './errors.ts';
import type { Runtime } from './runtime.ts';

/** The bytes of a request. Opened again for each attempt. */
export interface Body {
  /** Bytes. */
  readonly length: number;
  open(): AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** One request, ready to be sent. */
export interface Outgoing {
  /** For errors. */
  readonly operation: string;
  readonly method: string;
  /** Path and query, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body | null;
  readonly signal: AbortSignal | undefined;
}

/** How connections are made, by Node's means. */
export interface ConnectionOptions {
  /** Certificates in PEM that are trusted in addition to Node's. */
  readonly ca?: string | undefined;
  /** `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case. Default: no proxy. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  /** How many connections are open at a time. Default: 64. */
  readonly connections?: number | undefined;
  /** How long a connection may stand still, ms. Default: 120,000. */
  readonly idleTimeoutMs?: number | undefined;
}

/** How long a server may leave `Expect: 100-continue` unanswered before the body is sent anyway, ms. */
const CONTINUE_MS = 1000;

/** Sends requests to one server over connections that are kept. */
export class Transport {
  readonly #endpoint: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  readonly #idleMs: number;
  readonly #runtime: Runtime;

  constructor(endpoint: URL, options: ConnectionOptions, trusted: readonly string[], runtime: Runtime) {
    const { ca, proxyEnv, connections = 64, idleTimeoutMs = 120_000 } = options;
    const proxy = proxyEnv === undefined ? {} : { proxyEnv: { ...proxyEnv } };
    const kept = { keepAlive: true, maxSockets: connections, ...proxy };
    const secure = endpoint.protocol === 'https:';
    const roots = ca === undefined ? {} : { ca: [...trusted, ca] };
    this.#agent = secure ? new HttpsAgent({ ...kept, ...roots }) : new HttpAgent(kept);
    this.#endpoint = endpoint;
    this.#idleMs = idleTimeoutMs;
    this.#runtime = runtime;
  }

  /** Ends the connections. Requests under way fail. */
  close(): void {
    this.#agent.destroy();
  }

  /**
   * Sends a request; resolves with the answer once its headers are here.
   * @throws ConnectionError, the signal's reason, or what the body's source threw.
   */
  async send(outgoing: Outgoing): Promise<IncomingMessage> {
    outgoing.signal?.throwIfAborted();
    const exchange = new Exchange(this.#open(outgoing), outgoing, this.#runtime);
    try {
      return await exchange.answer();
    } catch (error) {
      outgoing.signal?.throwIfAborted();
      if (exchange.sourceFailure) throw exchange.sourceFailure.error;
      throw new ConnectionError(outgoing.operation, this.#endpoint.origin, exchange.mayBeExecuted, error);
    }
  }

  #open({ method, target, headers, body, signal }: Outgoing): ClientRequest {
    const open = this.#endpoint.protocol === 'https:' ? requestHttps : requestHttp;
    const { hostname, port } = this.#endpoint;
    const request = open({
      agent: this.#agent,
      // IPv6 addresses have brackets in a URL only.
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port,
      method,
      path: target,
      headers: { ...headers, ...(body === null ? {} : { expect: '100-continue' }) },
      ...(signal === undefined ? {} : { signal }),
    });
    request.setTimeout(this.#idleMs, () => {
      request.destroy(new Error(`nothing was sent or received for ${this.#idleMs} ms`));
    });
    return request;
  }
}

/** One request on its connection. */
class Exchange {
  readonly #request: ClientRequest;
  readonly #outgoing: Outgoing;
  readonly #runtime: Runtime;
  readonly #received = Promise.withResolvers<IncomingMessage>();
  #hasAnswer = false;
  mayBeExecuted = false;
  sourceFailure: { readonly error: unknown } | undefined;

  constructor(request: ClientRequest, outgoing: Outgoing, runtime: Runtime) {
    this.#request = request;
    this.#outgoing = outgoing;
    this.#runtime = runtime;
    request.once('response', (response) => {
      this.#hasAnswer = true;
      // A connection that still owes the server a body cannot take another request.
      if (outgoing.body !== null && !request.writableEnded) response.once('end', () => request.destroy());
      this.#received.resolve(response);
    });
    // Stays, because a request may fail again after its first failure.
    request.on('error', (error) => this.#received.reject(error));
  }

  /** Sends the body unless the server answers first. @throws Node's errors. */
  async answer(): Promise<IncomingMessage> {
    const { body } = this.#outgoing;
    if (body === null) {
      this.#request.once('socket', (socket) => {
        if (!socket.connecting) this.mayBeExecuted = true;
        else
          socket.once(this.#request.protocol === 'https:' ? 'secureConnect' : 'connect', () => {
            this.mayBeExecuted = true;
          });
      });
      this.#request.end();
    } else if (await this.#isWanted()) {
      this.mayBeExecuted = true;
      await Promise.race([this.#write(body), this.#received.promise]);
    }
    return this.#received.promise;
  }

  /** Asks the server whether it takes the body, so that a refusal arrives before the bytes are sent for nothing. */
  async #isWanted(): Promise<boolean> {
    const asked = new AbortController();
    const goesOn = new Promise<boolean>((resolve) => this.#request.once('continue', () => resolve(true)));
    const connected = new Promise<void>((resolve) => {
      this.#request.once('socket', (socket) => {
        if (socket.connecting) socket.once('connect', () => resolve());
        else resolve();
      });
    });
    // Some servers and proxies never answer the question.
    const silent = connected
      .then(() => this.#runtime.sleep(CONTINUE_MS, asked.signal))
      .then(
        () => true,
        () => true,
      );
    this.#request.flushHeaders();
    try {
      return await Promise.race([goesOn, silent, this.#received.promise.then(() => false)]);
    } finally {
      asked.abort();
    }
  }

  /** Writes the body as fast as the connection takes it; stops at an early answer. */
  async #write(body: Body): Promise<void> {
    const source = body.open();
    try {
      for await (const chunk of source) {
        if (this.#hasAnswer || this.#request.destroyed) return;
        if (!this.#request.write(chunk)) await this.#drained();
      }
    } catch (error) {
      this.sourceFailure = { error };
      this.#request.destroy();
      throw error;
    }
    this.#request.end();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'response']) this.#request.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'response']) this.#request.on(event, done);
    });
  }
}
