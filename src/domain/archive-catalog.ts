import type { Span } from '../treehash/index.ts';
import type { Archive } from './archive.ts';
import type { SegmentSource } from './job.ts';
import type { InventoryKey, Page, Paging } from './page.ts';
import type { InventoryMode } from './vault.ts';

/** An archive and where its bytes lie. */
export interface StoredArchive extends Archive, SegmentSource {
  /** When an imported archive arrived here; null if it was not imported. */
  readonly arrivedMs: number | null;
  /** When its bytes were last seen to be damaged; null while they are not known to be. */
  readonly damagedMs: number | null;
}

/** Which archives of a vault to read, in order of creation. */
export interface ArchiveRange {
  /** Created at this time or later; null: no limit. */
  readonly fromMs: number | null;
  /** Created before this time; null: no limit. */
  readonly beforeMs: number | null;
  readonly newestFirst: boolean;
}

/** A run of bytes of an archive in one blob. */
export interface Segment {
  /** Offset of its first byte in the archive. */
  readonly first: number;
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly treeHash: string;
  readonly ref: string;
}

/** Where an archive's bytes lie, with their size and tree hash. */
export interface ArchiveBytes extends SegmentSource {
  readonly size: number;
  readonly treeHash: string;
}

export interface ArchiveReads {
  findArchive(vaultNo: number, id: string): Promise<StoredArchive | undefined>;
  /** Archives by creation, then by number. */
  listArchives(
    vaultNo: number,
    range: ArchiveRange,
    page: Paging<InventoryKey>,
  ): Promise<Page<StoredArchive>>;
  /** Those of the archives that the vault has, in no order. @param nos their numbers. */
  findArchivesByNo(vaultNo: number, nos: readonly number[]): Promise<readonly StoredArchive[]>;
}

export interface SegmentReads {
  /** The segments that hold bytes `span.first`..`span.last` of an archive, by offset; `after` is an offset. */
  listSegments(bytes: ArchiveBytes, span: Span, page: Paging<number>): Promise<Page<Segment>>;
}

/** An archive of a single upload. */
export interface NewArchive {
  readonly vaultNo: number;
  readonly id: string;
  readonly description: string | null;
  readonly createdMs: number;
  readonly size: number;
  readonly treeHash: string;
  readonly ref: string;
  /** Of its blob's label. */
  readonly sequence: number;
}

export interface DeleteArchiveArgs {
  readonly vaultNo: number;
  readonly id: string;
  readonly nowMs: number;
  readonly mode: InventoryMode;
  /** The version of the vault's policies that the deletion was authorized by. */
  readonly policyVersion: number;
}

export interface ArchiveWrites {
  /** @throws Refusal not-found when the vault is gone. */
  addArchive(args: NewArchive): Promise<void>;
  /**
   * Deletes an archive; false if there is none.
   * @throws Refusal changed-meanwhile when the vault's policies are no longer of `policyVersion`: clients retry.
   */
  deleteArchive(args: DeleteArchiveArgs): Promise<boolean>;
}
