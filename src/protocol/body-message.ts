import { IncomingMessage } from 'node:http';
import { GatheredChunks } from './gathered-chunks.ts';

/** Most chunks of a body with `Transfer-Encoding: chunked`. Each costs more than a microsecond, however small. */
export const MAX_CHUNKS = 4096;
/** Once this many pieces wait, reading from the connection pauses until the reader takes them. */
const MAX_WAITING = 1024;

/**
 * A request whose body waits for its reader in bounded memory. Node.js bounds waiting bytes only, and keeps an object of
 * some hundred bytes for each chunk: 64 KiB that arrive byte by byte would hold 25 MiB.
 */
export class BodyMessage extends IncomingMessage {
  /** Bytes that arrived while the reader still had some to read. */
  #waiting: GatheredChunks | undefined;
  #waitingPieces = 0;
  #chunks = 0;

  /** Pieces of the body that have arrived: its chunks, or the network's reads. */
  get chunks(): number {
    return this.#chunks;
  }

  override push(chunk: Buffer | string | null, encoding?: BufferEncoding): boolean {
    if (chunk === null) {
      this.#flush();
      return super.push(null);
    }
    this.#chunks++;
    const isFirst = !this.#waiting?.bytes && this.readableLength === 0;
    if (isFirst || typeof chunk === 'string') return super.push(chunk, encoding);
    this.#waiting ??= new GatheredChunks();
    this.#waiting.add(chunk);
    this.#waitingPieces++;
    const length = this.readableLength + this.#waiting.bytes;
    return length < this.readableHighWaterMark && this.#waitingPieces < MAX_WAITING;
  }

  override read(size?: number): unknown {
    const got: unknown = super.read(size);
    if (got !== null || !this.#waiting?.bytes) return got;
    this.#flush();
    return super.read(size);
  }

  override _read(size: number): void {
    this.#flush();
    super._read(size);
  }

  #flush(): void {
    if (!this.#waiting?.bytes) return;
    this.#waitingPieces = 0;
    for (const chunk of this.#waiting.take()) super.push(chunk);
  }
}

/**
 * Whether a body has more chunks than any client needs. Only a chunked body can: the client does not choose how the
 * network cuts one of known length.
 */
export function isShredded(incoming: IncomingMessage): boolean {
  return (
    incoming instanceof BodyMessage &&
    incoming.chunks > MAX_CHUNKS &&
    incoming.headers['transfer-encoding'] !== undefined
  );
}

/**
 * Frees a chunk's memory at once. Chunks left to the garbage collector pile up until a full collection, which at full
 * speed took as long as hashing. Only a chunk with an ArrayBuffer of its own is freed, as Node.js gives each large one.
 */
export function releaseChunk({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
