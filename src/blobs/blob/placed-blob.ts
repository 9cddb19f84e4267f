import type { OpenFile } from '../../durable/disk.ts';

/** A blob's bytes within an open file. Whoever opened it closes the file. */
export interface PlacedBlob {
  readonly ref: string;
  readonly file: OpenFile;
  /** Where the blob begins. */
  readonly start: number;
  /** Its length, with what describes it. */
  readonly total: number;
}
