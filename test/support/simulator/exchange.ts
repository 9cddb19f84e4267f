/** Sends requests to a simulated server's pipeline, without a network. */
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { BodyMessage } from '../../../src/protocol/body-message.ts';
import { handle, type PipelineDeps } from '../../../src/protocol/handle.ts';
import { type Message, toMessage } from '../../../src/protocol/message.ts';
import { sendError } from '../../../src/protocol/reply.ts';
import { ClientGone } from '../../../src/protocol/small-body.ts';
import type { Loop } from './loop.ts';

export interface SimulatedRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | undefined;
  /** The client goes away after so many bytes of its body, or before it reads the reply. */
  readonly goesAfter?: number | undefined;
}

/** What a client received; without a status when the connection ended first. */
export interface SimulatedAnswer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Whether the reply came to its end. */
  readonly isWhole: boolean;
}

const PIECE_BYTES = 300_000;

class SimulatedSocket extends EventEmitter {
  readonly remoteAddress = '192.0.2.1';
  destroyed = false;
  closed = false;

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.closed = true;
    this.emit('close');
  }

  // Node's message asks for flow control.
  readonly resume = (): void => {};
  readonly pause = (): void => {};
}

/** A response as the server sees it, which keeps what is sent. */
class SimulatedResponse {
  readonly req: BodyMessage;
  statusCode = 0;
  headersSent = false;
  shouldKeepAlive = true;
  destroyed = false;
  readonly headers: Record<string, string> = {};
  readonly #pieces: Buffer[] = [];
  readonly #loop: Loop;
  readonly #onEnd: (isWhole: boolean) => void;

  constructor(req: BodyMessage, loop: Loop, onEnd: (isWhole: boolean) => void) {
    this.req = req;
    this.#loop = loop;
    this.#onEnd = onEnd;
  }

  get body(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  setHeader(name: string, value: string | number): void {
    this.headers[name.toLowerCase()] = String(value);
  }

  setTimeout(): void {}

  writeHead(status: number): this {
    this.statusCode = status;
    this.headersSent = true;
    return this;
  }

  write(piece: Uint8Array | string, encodingOrDone?: BufferEncoding | (() => void)): boolean {
    const encoding = typeof encodingOrDone === 'string' ? encodingOrDone : 'utf8';
    // Copied: the server uses the memory again once the piece is sent.
    this.#pieces.push(typeof piece === 'string' ? Buffer.from(piece, encoding) : Buffer.from(piece));
    if (typeof encodingOrDone === 'function') this.#loop.post(encodingOrDone);
    return true;
  }

  end(text?: string, encoding: BufferEncoding = 'utf8'): this {
    if (text !== undefined) this.write(text, encoding);
    this.#onEnd(true);
    return this;
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.#onEnd(false);
  }
}

/** A request under way. */
export class Exchange {
  readonly #socket = new SimulatedSocket();
  readonly #incoming: BodyMessage;
  readonly #response: SimulatedResponse;
  readonly #loop: Loop;
  readonly #request: SimulatedRequest;
  #answer: SimulatedAnswer | undefined;
  /** Whether the server has done everything for it. */
  isOver = false;

  constructor(loop: Loop, request: SimulatedRequest) {
    this.#loop = loop;
    this.#request = request;
    this.#incoming = new BodyMessage(this.#socket as unknown as Socket);
    this.#response = new SimulatedResponse(this.#incoming, loop, (isWhole) => this.#end(isWhole));
  }

  /** Undefined while the client waits. */
  get answer(): SimulatedAnswer | undefined {
    return this.#answer;
  }

  /** Begins the request; the loop does the rest. */
  begin(requestId: string, deps: PipelineDeps): void {
    const incoming = this.#incoming;
    const { method, target, headers } = this.#request;
    const rawHeaders = Object.entries(headers).flat();
    Object.assign(incoming, { method, url: target, httpVersion: '1.1', rawHeaders });
    incoming.headers = { ...headers };
    const response = this.#response as unknown as ServerResponse;
    const message = this.#toMessage(requestId, response);
    this.#loop.post(() => this.#push(0));
    if (message === undefined) return;
    void handle(message, response, deps).then(() => {
      this.isOver = true;
    });
  }

  #toMessage(requestId: string, response: ServerResponse): Message | undefined {
    const gone = new AbortController();
    this.#socket.on('close', () => gone.abort(new ClientGone()));
    const exchange = { keepConnection: () => {}, clientGone: () => gone.signal };
    try {
      return toMessage(this.#incoming, requestId, () => {}, exchange);
    } catch (error) {
      sendError(response, requestId, error);
      this.isOver = true;
      return undefined;
    }
  }

  /** Sends the body piece by piece. */
  #push(from: number): void {
    const { body = Buffer.alloc(0), goesAfter } = this.#request;
    const to = Math.min(body.length, from + PIECE_BYTES);
    const leavesAt = goesAfter !== undefined && goesAfter >= from && goesAfter < Math.max(to, 1);
    const end = leavesAt ? goesAfter : to;
    // Copied: the server frees the memory of what it has read.
    if (end > from) this.#incoming.push(Buffer.from(body.subarray(from, end)));
    if (leavesAt) this.leave();
    else if (to < body.length) this.#loop.post(() => this.#push(to));
    else {
      this.#incoming.complete = true;
      this.#incoming.push(null);
    }
  }

  /** The client goes away. */
  leave(): void {
    if (this.#answer) return;
    this.#socket.destroy();
    this.#incoming.destroy();
    this.#end(false);
  }

  /** The server died. */
  breakOff(): void {
    this.isOver = true;
    this.#end(false);
  }

  #end(isWhole: boolean): void {
    if (this.#answer) return;
    const { statusCode, headers, body, headersSent } = this.#response;
    const length = headers['content-length'];
    const isComplete = isWhole && (length === undefined || Number(length) === body.length);
    this.#answer = { status: headersSent ? statusCode : undefined, headers, body, isWhole: isComplete };
  }
}
