/** A bare connection, for bytes that no HTTP client would send. */
import { connect, type Socket } from 'node:net';
import { eventually } from './poll.ts';
import type { Answer } from './request.ts';

export class Wire {
  readonly socket: Socket;
  /** Everything received so far, one character for each byte. */
  received = '';
  /** Whether the other side has ended or cut the connection. */
  closed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString('latin1');
    });
    socket.on('error', () => {});
    socket.on('end', () => this.#close());
    socket.on('close', () => this.#close());
  }

  static open(url: string): Promise<Wire> {
    const { hostname, port } = new URL(url);
    return new Promise((resolve, reject) => {
      const socket = connect({ host: hostname, port: Number(port), noDelay: true });
      socket.once('error', reject);
      socket.once('connect', () => resolve(new Wire(socket)));
    });
  }

  write(data: string | Uint8Array): void {
    this.socket.write(typeof data === 'string' ? Buffer.from(data, 'latin1') : data);
  }

  /** Waits until the received bytes match. */
  async until(pattern: RegExp): Promise<string> {
    return eventually(
      `${pattern} in ${JSON.stringify(this.received)}`,
      () => pattern.exec(this.received)?.[0],
    );
  }

  /** Waits for a whole answer, removes it from the received bytes, and returns it parsed. */
  async answer(): Promise<Answer> {
    const [text, head, length] = await eventually(`an answer in ${JSON.stringify(this.received)}`, () =>
      this.#wholeAnswer(),
    );
    this.received = this.received.slice(text.length);
    return readAnswer(head, text.slice(text.length - length));
  }

  /** Waits for the other side to end the connection. */
  async untilClosed(): Promise<void> {
    await eventually('the end of the connection', () => this.closed);
  }

  destroy(): void {
    this.socket.destroy();
  }

  #close(): void {
    this.closed = true;
  }

  #wholeAnswer(): readonly [text: string, head: string, length: number] | undefined {
    const at = this.received.indexOf('\r\n\r\n');
    if (at < 0) return undefined;
    const head = this.received.slice(0, at);
    const length = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0);
    const end = at + 4 + length;
    return this.received.length < end ? undefined : [this.received.slice(0, end), head, length];
  }
}

/** The text of a request's head. */
export function headText(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return `${[`${method} ${target} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`;
}

function readAnswer(head: string, text: string): Answer {
  const [first = '', ...lines] = head.split('\r\n');
  const headers = lines.map((line) => {
    const at = line.indexOf(':');
    return [line.slice(0, at).toLowerCase(), line.slice(at + 1).trim()] as const;
  });
  return {
    status: Number(first.split(' ')[1]),
    headers: Object.fromEntries(headers),
    text,
    json: () => JSON.parse(text),
  };
}
