import type { ServerResponse } from 'node:http';
import type { HttpReply } from './reply.ts';

/** Counts what goes out of a reply's stream. A chunk in which the client went away does not count. */
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

  /** Whether the stream came to its end while the client was there. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The reply with its stream counted; a reply without one is given back as it is. */
  count(reply: HttpReply): HttpReply {
    return reply.stream ? { ...reply, stream: this.#countChunks(reply.stream) } : reply;
  }

  async *#countChunks(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      const { length } = chunk;
      // The next chunk is asked for when this one is out, or when the client has gone.
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
