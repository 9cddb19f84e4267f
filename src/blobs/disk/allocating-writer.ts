import type { BlobDigests, BlobLabel, BlobWriter } from '../../domain/blob-store.ts';
import type { SpaceAllocation } from '../../domain/disk-space.ts';

/** A writer that tells a claim of room how far it came, and how it ended. */
export class AllocatingWriter implements BlobWriter {
  readonly #writer: BlobWriter;
  readonly #allocation: SpaceAllocation;
  #error: unknown;
  #isEnded = false;

  constructor(writer: BlobWriter, allocation: SpaceAllocation) {
    this.#writer = writer;
    this.#allocation = allocation;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#allocation.addWritten(chunks.reduce((sum, { length }) => sum + length, 0));
    await this.#noteFailure(this.#writer.write(chunks));
  }

  digest(): Promise<BlobDigests> {
    return this.#noteFailure(this.#writer.digest());
  }

  /** Ends the claim, whatever comes of it. */
  async finish(label: BlobLabel): Promise<string> {
    const ref = await this.#noteFailure(this.#writer.finish(label)).catch((error) => {
      this.#end();
      throw error;
    });
    this.#end();
    return ref;
  }

  async discard(): Promise<void> {
    await this.#writer.discard();
    this.#end();
  }

  /** Once: whoever fails to finish a blob may discard it as well. */
  #end(): void {
    if (!this.#isEnded) this.#allocation.end(this.#error);
    this.#isEnded = true;
  }

  async #noteFailure<Result>(step: Promise<Result>): Promise<Result> {
    try {
      return await step;
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }
}
