/**
 * A load generator that costs little: requests are signed and laid out beforehand, sent over plain sockets, and
 * of the answers only the status is looked at. Runs in a process of its own, so that its share of the processor
 * can be told.
 */
import { connect, type Socket } from 'node:net';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  /** Each a whole HTTP/1.1 request; they are sent in turn. */
  readonly requests: readonly (readonly Buffer[])[];
  readonly connections: number;
  /** How many answers to wait for. */
  readonly count: number;
}

export interface LoadResult {
  /** ms from the first request to the last answer. */
  readonly ms: number;
  /** ms each, in order of arrival. */
  readonly latencies: readonly number[];
  /** Answers whose status was not 2xx, by status. */
  readonly failures: Readonly<Record<string, number>>;
  /** Bytes of answers' bodies. */
  readonly received: number;
}

/** Sends `count` requests over so many connections, one at a time on each. */
export async function load({ host, port, requests, connections, count }: LoadOptions): Promise<LoadResult> {
  const latencies: number[] = [];
  const failures: Record<string, number> = {};
  let sent = 0;
  let received = 0;
  const began = performance.now();
  const run = async (): Promise<void> => {
    const line = new Line(connect({ host, port, noDelay: true }));
    while (sent < count) {
      const request = requests[sent++ % requests.length] as readonly Buffer[];
      const at = performance.now();
      const { status, bytes } = await line.exchange(request);
      latencies.push(performance.now() - at);
      received += bytes;
      if (status < 200 || status > 299) failures[status] = (failures[status] ?? 0) + 1;
    }
    line.end();
  };
  await Promise.all(Array.from({ length: connections }, run));
  return { ms: performance.now() - began, latencies, failures, received };
}

/** One keep-alive connection. */
class Line {
  readonly #socket: Socket;
  #head = '';
  #left = 0;
  #bytes = 0;
  #status = 0;
  #done: ((answer: { status: number; bytes: number }) => void) | undefined;
  #fail: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (chunk) => this.#take(chunk));
    socket.on('error', (error) => this.#fail?.(error));
    socket.on('close', () => this.#fail?.(new Error('the server closed the connection')));
  }

  exchange(request: readonly Buffer[]): Promise<{ status: number; bytes: number }> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
      for (const piece of request) this.#socket.write(piece);
    });
  }

  end(): void {
    this.#fail = undefined;
    this.#socket.end();
  }

  #take(chunk: Buffer): void {
    if (this.#left > 0) {
      this.#body(chunk);
      return;
    }
    this.#head += chunk.toString('latin1');
    const end = this.#head.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#head.slice(0, end);
    const rest = this.#head.length - end - 4;
    this.#head = '';
    this.#status = Number(head.slice(9, 12));
    if (this.#status === 100) return;
    this.#left = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    this.#bytes = this.#left;
    this.#body(Buffer.alloc(rest));
  }

  #body(chunk: Buffer): void {
    this.#left -= chunk.length;
    if (this.#left > 0) return;
    this.#left = 0;
    this.#done?.({ status: this.#status, bytes: this.#bytes });
  }
}
