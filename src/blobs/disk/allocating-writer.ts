import type { BlobDigests, BlobLabel, BlobWriter } from '../../domain/blob-store.ts';
import type { SpaceAllocation } from '../../domain/disk-space.ts';

/** Reports to an allocation of disk space how much was written, and how writing ended. */
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

  /** Ends the allocation, whether the blob could be stored or not. */
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

  /** Ends the allocation once: a caller may discard a blob that it failed to finish. */
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
