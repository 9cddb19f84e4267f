import type { BlobDigests, BlobLabel, BlobWriter } from '../domain/blob-store.ts';
import type { RoomClaim } from '../domain/disk-room.ts';

/** A writer that tells a claim of room how far it came, and how it ended. */
export class ClaimedWriter implements BlobWriter {
  readonly #writer: BlobWriter;
  readonly #claim: RoomClaim;
  #error: unknown;
  #isEnded = false;

  constructor(writer: BlobWriter, claim: RoomClaim) {
    this.#writer = writer;
    this.#claim = claim;
  }

  async write(chunks: readonly Uint8Array[]): Promise<void> {
    await this.#claim.wrote(chunks.reduce((sum, { length }) => sum + length, 0));
    await this.#noting(this.#writer.write(chunks));
  }

  digest(): Promise<BlobDigests> {
    return this.#noting(this.#writer.digest());
  }

  /** Ends the claim, whatever comes of it. */
  async finish(label: BlobLabel): Promise<string> {
    const ref = await this.#noting(this.#writer.finish(label)).catch((error) => {
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
    if (!this.#isEnded) this.#claim.end(this.#error);
    this.#isEnded = true;
  }

  async #noting<Result>(step: Promise<Result>): Promise<Result> {
    try {
      return await step;
    } catch (error) {
      this.#error = error;
      throw error;
    }
  }
}
