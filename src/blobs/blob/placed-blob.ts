import type { OpenFile } from '../../durable/file-system.ts';

/** A blob's bytes within an open file. The function that opened the file closes it. */
export interface PlacedBlob {
  readonly ref: string;
  readonly file: OpenFile;
  /** Where the blob begins. */
  readonly start: number;
  /** Its length, trailer included. */
  readonly total: number;
}
