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
  /** The last attempt of each part. */
  readonly #attempts = new Map<number, { bytes: number }>();
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
    const attempt = { bytes: 0 };
    this.sentBytes -= this.#attempts.get(part)?.bytes ?? 0;
    this.#attempts.set(part, attempt);
    for await (const chunk of chunks) {
      yield chunk;
      // An attempt that failed may end later than the next one begins.
      if (this.#attempts.get(part) !== attempt) return;
      attempt.bytes += chunk.length;
      this.sentBytes += chunk.length;
      this.#report();
    }
  }

  /** The server has these bytes now. */
  done(bytes: number): void {
    this.#doneBytes += bytes;
    this.#report();
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
