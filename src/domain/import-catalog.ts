import type { NewArchive } from './archive-catalog.ts';
import type { ImportedBytes } from './import.ts';
import type { NewUpload } from './upload-catalog.ts';

/** An id that was given by an import. It stays known when its archive is deleted: no new archive may get it. */
export interface ImportedId {
  /** The vault that has the archive, had it, or will have it; 0 if a rebuild did not find the vault. */
  readonly vaultNo: number;
  /** Whether it is only claimed: a request is storing the bytes. */
  readonly isClaimed: boolean;
}

export interface ImportReads {
  findImportedId(archiveId: string): Promise<ImportedId | undefined>;
}

export interface ClaimArchiveIdArgs extends ImportedBytes {
  readonly archiveId: string;
  /** Names the request. */
  readonly token: string;
}

export interface ReleaseArchiveIdArgs {
  readonly archiveId: string;
  readonly token: string;
}

interface NoteUsedIdsArgs {
  readonly archiveIds: readonly string[];
}

/** An archive of a single upload, with its arrival. */
export interface NewImport extends NewArchive {
  readonly arrivedMs: number;
}

/** The start of a multipart upload whose archive gets a given id. */
export interface NewImportUpload extends NewUpload {
  /** The account of the caller. */
  readonly importedBy: string;
  /** The creation date that the archive gets; null: when it is complete. */
  readonly givenMs: number | null;
}

export interface ImportWrites {
  /**
   * Reserves an id for the request `token`, before the bytes become a blob: a blob that carries an id is proof of an
   * archive for a rebuild, so two requests must not store different bytes under one id. Requests for the same bytes in
   * the same vault share a claim, which the last of them may release. A start forgets the claims of earlier ones.
   * @returns `there` if the archive is there already, with the same size and tree hash.
   * @throws Refusal invalid for an id that cannot be used.
   */
  claimArchiveId(args: ClaimArchiveIdArgs): Promise<'claimed' | 'there'>;
  /** Gives up a claim; does nothing if another request has taken it over, or the archive is there. */
  releaseArchiveId(args: ReleaseArchiveIdArgs): Promise<void>;
  /**
   * Adds an archive whose id was claimed for the same bytes.
   * @returns `there` if another request has added it.
   * @throws Refusal not-found when the vault is gone, invalid for an id that cannot be used.
   */
  importArchive(args: NewImport): Promise<'added' | 'there'>;
  /**
   * Starts an upload that reserves its archive's id while it is open.
   * @returns the id of the upload; for a repeat of an open one (same vault, archive id, date, part size and description,
   *   by the same account) that of the open one.
   * @throws Refusal not-found when the vault is gone, invalid for an id that cannot be used.
   */
  startImport(args: NewImportUpload): Promise<string>;
  /** Notes ids that no new archive may get. Those that the catalog knows stay as they are. */
  noteUsedIds(args: NoteUsedIdsArgs): Promise<void>;
}
