import type { ServerResponse } from 'node:http';
import type { HttpReply } from './reply.ts';

/** Counts the bytes sent from a reply's stream, without the chunk during which the client went away. */
export class SentByteCounter {
  readonly #response: ServerResponse;
  #bytes = 0;
  #complete = false;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  /** Bytes that the connection has taken so far. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the stream ended while the client was connected. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The reply with its stream counted, or the same reply if it has none. */
  count(reply: HttpReply): HttpReply {
    return reply.stream ? { ...reply, stream: this.#countChunks(reply.stream) } : reply;
  }

  async *#countChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      const { length } = chunk;
      // Resumes when this chunk is sent, or the client has gone.
      yield chunk;
      if (this.#isGone()) return;
      this.#bytes += length;
    }
    this.#complete = true;
  }

  #isGone(): boolean {
    return this.#response.destroyed || this.#response.req.socket.destroyed;
  }
}
