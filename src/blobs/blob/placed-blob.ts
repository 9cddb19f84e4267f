import type { FileHandle } from 'node:fs/promises';

/** A blob's bytes within an open file. Whoever opened it closes the file. */
export interface PlacedBlob {
  readonly ref: string;
  readonly file: FileHandle;
  /** Where the blob begins. */
  readonly start: number;
  /** Its length, with what describes it. */
  readonly total: number;
}
