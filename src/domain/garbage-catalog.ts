import type { BlobLabel } from './blob-store.ts';
import type { Page, Paging } from './page.ts';

/** A blob, or all parts of an upload, that nothing names any more. */
export interface Garbage {
  readonly no: number;
  /** One blob; null when `uploadNo` is set. */
  readonly ref: string | null;
  /** All parts of this upload; null when `ref` is set. */
  readonly uploadNo: number | null;
}

export interface GarbageReads {
  /** Oldest first; `after` is the number of an item. */
  listGarbage(page: Paging<number>): Promise<Page<Garbage>>;
  /** Whether a row names this blob. */
  namesBlob(label: BlobLabel, ref: string): Promise<boolean>;
}

export interface DropGarbageArgs {
  readonly nos: readonly number[];
}

export interface GarbageWrites {
  /** Removes items whose blobs are gone from the garbage list. */
  dropGarbage(args: DropGarbageArgs): Promise<void>;
}
