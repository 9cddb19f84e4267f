/** How far an upload is. */
export interface UploadProgress {
  /** Bytes of the source; null for a stream. */
  readonly totalBytes: number | null;
  /** Bytes that the server has, those of an earlier call included. */
  readonly doneBytes: number;
  /** Bytes that this call has sent. A part that is sent again counts once. */
  readonly sentBytes: number;
  /** The multipart upload; null where the source goes in one request. */
  readonly uploadId: string | null;
}

/** Counts the bytes of an upload, and tells of them. */
export class UploadMeter {
  readonly #totalBytes: number | null;
  readonly #tell: ((progress: UploadProgress) => void) | undefined;
  readonly #uploadId: string | null;
  /** Bytes that the last attempt of each part has sent. */
  readonly #sent = new Map<number, number>();
  #doneBytes = 0;
  sentBytes = 0;

  constructor(
    totalBytes: number | null,
    tell: ((progress: UploadProgress) => void) | undefined,
    uploadId: string | null = null,
  ) {
    this.#totalBytes = totalBytes;
    this.#tell = tell;
    this.#uploadId = uploadId;
  }

  /** Passes on the chunks of a part and counts them. Another attempt of the same part starts its count anew. */
  async *counted(
    part: number,
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncIterable<Uint8Array> {
    this.#count(part, -(this.#sent.get(part) ?? 0));
    for await (const chunk of chunks) {
      yield chunk;
      this.#count(part, chunk.length);
      this.#report();
    }
  }

  /** The server has these bytes now. */
  done(bytes: number): void {
    this.#doneBytes += bytes;
    this.#report();
  }

  #count(part: number, bytes: number): void {
    this.#sent.set(part, (this.#sent.get(part) ?? 0) + bytes);
    this.sentBytes += bytes;
  }

  #report(): void {
    this.#tell?.({
      totalBytes: this.#totalBytes,
      doneBytes: this.#doneBytes,
      sentBytes: this.sentBytes,
      uploadId: this.#uploadId,
    });
  }
}
