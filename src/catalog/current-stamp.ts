import type { WriterStamp } from '../domain/blob-store.ts';
import type { ClaimGenerationArgs } from '../domain/store-link.ts';
import type { WriteName } from './writes.ts';

/** The stamp of a catalog's writer, updated by its commits. */
export class CurrentStamp implements WriterStamp {
  #generation: number;
  #commitNumber: number;

  constructor({ generation, commitNumber }: WriterStamp) {
    this.#generation = generation;
    this.#commitNumber = commitNumber;
  }

  /** Until a claim, the one that the writer was opened for. */
  get generation(): number {
    return this.#generation;
  }

  /** The newest that the writer knows. */
  get commitNumber(): number {
    return this.#commitNumber;
  }

  /** Notes a commit number that the catalog has reached. */
  reached(commitNumber: number): void {
    this.#commitNumber = Math.max(this.#commitNumber, commitNumber);
  }

  /** Takes over what a committed write changed of the stamp. */
  adopt(name: WriteName, args: unknown, result: unknown): void {
    if (name === 'claimGeneration') this.#generation = (args as ClaimGenerationArgs).generation;
    if (name === 'raiseCommitNumber') this.reached(result as number);
  }
}
