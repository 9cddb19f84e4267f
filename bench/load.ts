/**
 * The load generator. It uses little processor time: requests are signed and formatted beforehand and sent over plain
 * sockets from one buffer without a copy, and of responses it reads only status and length. It runs in its own process, so
 * that its processor time can be measured. `load-process.ts` controls it.
 */
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { cpuUsage } from 'node:process';

/** The head of a request with the empty line, and the place of its body in the file of bodies. */
export interface LoadRequest {
  readonly head: string;
  readonly offset: number;
  readonly length: number;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface LoadJob {
  readonly address: Address;
  /** Requests, each sent once, in this order. */
  readonly requests: readonly LoadRequest[];
  /** Number of connections. Each has one request in progress at a time. */
  readonly connections: number;
  /** Time after the first request during which others may begin. */
  readonly limitMs: number;
  /** Whether the bodies of responses must repeat the file of bodies. */
  readonly verify: boolean;
}

export interface LoadResult {
  /** Time from the first request to the last response. */
  readonly ms: number;
  readonly answers: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Times until the whole response had arrived. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of this process. */
  readonly cpuSeconds: number;
}

const RECEIVE_BYTES = 256 * 1024;
const HEAD_END = '\r\n\r\n';

/** Runs a job. @throws Error for the first response that is not a success, or has a wrong body. */
async function load(job: LoadJob, bodies: Buffer): Promise<LoadResult> {
  const queue = job.requests.map(({ head, offset, length }) => ({
    head: Buffer.from(head, 'latin1'),
    body: bodies.subarray(offset, offset + length),
  }));
  const latencies: number[] = [];
  let [next, sentBytes, receivedBytes] = [0, 0, 0];
  const cpuBefore = cpuUsage();
  const began = performance.now();
  const work = async (): Promise<void> => {
    const line = new Line(job.address, job.verify ? bodies : undefined);
    while (performance.now() - began < job.limitMs) {
      const request = queue[next++];
      if (request === undefined) break;
      const at = performance.now();
      const received = await line.exchange(request.head, request.body);
      receivedBytes += received;
      latencies.push(performance.now() - at);
      sentBytes += request.body.length;
    }
    line.end();
  };
  await Promise.all(Array.from({ length: job.connections }, work));
  const ms = performance.now() - began;
  const { user, system } = cpuUsage(cpuBefore);
  latencies.sort((a, b) => a - b);
  const at = (share: number) => latencies[Math.ceil(share * latencies.length) - 1] ?? Number.NaN;
  const cpuSeconds = (user + system) / 1e6;
  return {
    ms,
    answers: latencies.length,
    sentBytes,
    receivedBytes,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuSeconds,
  };
}

/** One connection. Connects again if the server closes it after a response. */
class Line {
  readonly #address: Address;
  readonly #expected: Buffer | undefined;
  readonly #receiveBuffer = Buffer.alloc(RECEIVE_BYTES);
  #socket: Socket | undefined;
  #head = '';
  #size = 0;
  #taken = 0;
  #closes = false;
  #done: (receivedBytes: number) => void = () => {};
  #fail: (error: Error) => void = () => {};

  /** @param expected the bytes that the bodies of responses must repeat. */
  constructor(address: Address, expected: Buffer | undefined) {
    this.#address = address;
    this.#expected = expected;
  }

  /** Sends a request. @returns the length of the response's body. */
  exchange(head: Buffer, body: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#done = resolve;
      this.#fail = reject;
      this.#head = '';
      this.#socket ??= this.#open();
      const socket = this.#socket;
      socket.cork();
      socket.write(head);
      if (body.length > 0) socket.write(body);
      socket.uncork();
    });
  }

  end(): void {
    this.#fail = () => {};
    this.#socket?.destroy();
  }

  #open(): Socket {
    const buffer = this.#receiveBuffer;
    const callback = (count: number): boolean => {
      this.#take(buffer.subarray(0, count));
      return true;
    };
    const socket = connect({ ...this.#address, noDelay: true, onread: { buffer, callback } });
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => {
      if (socket === this.#socket) this.#fail(new Error('the server closed the connection'));
    });
    return socket;
  }

  #take(chunk: Buffer): void {
    if (this.#head.endsWith(HEAD_END)) {
      this.#takeBody(chunk);
      return;
    }
    const known = this.#head.length;
    const text = this.#head + chunk.toString('latin1', 0, 16_384);
    const end = text.indexOf(HEAD_END);
    if (end < 0) {
      this.#head = text;
      return;
    }
    this.#head = text.slice(0, end + HEAD_END.length);
    if (!/^HTTP\/1\.[01] 2/.test(text)) {
      this.#fail(new Error(`not a success: ${text.slice(0, 2000)}`));
      return;
    }
    this.#size = Number(/\ncontent-length: *(\d+)/i.exec(this.#head)?.[1] ?? 0);
    this.#taken = 0;
    this.#closes = text.startsWith('HTTP/1.0') || /\nconnection: *close/i.test(this.#head);
    this.#takeBody(chunk.subarray(this.#head.length - known));
  }

  #takeBody(chunk: Buffer): void {
    if (this.#expected && !isRepeated(chunk, this.#taken, this.#expected)) {
      this.#fail(new Error(`the body differs from what was stored, after ${this.#taken} bytes`));
      return;
    }
    this.#taken += chunk.length;
    if (this.#taken < this.#size) return;
    if (this.#closes) {
      const socket = this.#socket;
      this.#socket = undefined;
      socket?.destroy();
    }
    this.#done(this.#size);
  }
}

/** Whether `chunk` equals the bytes at `position` of an endless repetition of `pattern`. */
function isRepeated(chunk: Buffer, position: number, pattern: Buffer): boolean {
  for (let at = 0; at < chunk.length; ) {
    const from = (position + at) % pattern.length;
    const length = Math.min(chunk.length - at, pattern.length - from);
    if (chunk.compare(pattern, from, from + length, at, at + length) !== 0) return false;
    at += length;
  }
  return true;
}

if (import.meta.main) {
  const bodies = readFileSync(process.argv[2] ?? '');
  process.on('message', (job: LoadJob) => {
    load(job, bodies).then(
      (result) => process.send?.({ result }),
      (error: Error) => process.send?.({ error: error.message }),
    );
  });
}
