import { IncomingMessage } from 'node:http';
import { GatheredChunks } from './gathered-chunks.ts';

/** Of a body with `Transfer-Encoding: chunked`. Each costs more than a microsecond, however small it is. */
export const MAX_CHUNKS = 4096;
/** After so many pieces nothing more is read from the connection until the reader has taken them. */
const MAX_WAITING = 1024;

/**
 * A request whose body waits for its reader in bounded memory. Node.js counts what waits by its bytes, and keeps an
 * object of some hundred bytes for each chunk: 64 KiB that come byte by byte would hold 25 MiB.
 */
export class BodyMessage extends IncomingMessage {
  /** What came after the reader had something to read. */
  readonly #waiting = new GatheredChunks();
  #waitingPieces = 0;
  #chunks = 0;

  /** Pieces in which the body came so far: its chunks, or what came at once. */
  get chunks(): number {
    return this.#chunks;
  }

  override push(chunk: Buffer | string | null, encoding?: BufferEncoding): boolean {
    if (chunk === null) {
      this.#flush();
      return super.push(null);
    }
    this.#chunks++;
    const isFirst = this.#waiting.bytes === 0 && this.readableLength === 0;
    if (isFirst || typeof chunk === 'string') return super.push(chunk, encoding);
    this.#waiting.add(chunk);
    this.#waitingPieces++;
    const length = this.readableLength + this.#waiting.bytes;
    return length < this.readableHighWaterMark && this.#waitingPieces < MAX_WAITING;
  }

  override read(size?: number): unknown {
    const got: unknown = super.read(size);
    if (got !== null || this.#waiting.bytes === 0) return got;
    this.#flush();
    return super.read(size);
  }

  override _read(size: number): void {
    this.#flush();
    super._read(size);
  }

  #flush(): void {
    if (this.#waiting.bytes === 0) return;
    this.#waitingPieces = 0;
    for (const chunk of this.#waiting.take()) super.push(chunk);
  }
}

/**
 * Whether a body comes in more chunks than any client needs. Only its framing counts: how the network cuts a body is
 * not the client's choice.
 */
export function isShredded(incoming: IncomingMessage): boolean {
  return (
    incoming instanceof BodyMessage &&
    incoming.chunks > MAX_CHUNKS &&
    incoming.headers['transfer-encoding'] !== undefined
  );
}

/**
 * Gives a chunk's memory back at once: left to the garbage collector, chunks pile up until it looks through the
 * whole heap for them, which at full speed took as long as hashing. Node.js gives each large chunk memory of its
 * own; what shares some is left alone.
 */
export function releaseChunk({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
