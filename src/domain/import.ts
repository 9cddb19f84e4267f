import { invalidParameter, type Refusal } from './errors.ts';

/** What a client asks of an import. */
export interface ImportOrder {
  /** The id that the archive gets. */
  readonly archiveId: string;
  /** The creation date that the archive gets; null: when it arrives. */
  readonly givenMs: number | null;
}

/** Which bytes an import is about. */
export interface ImportedBytes {
  readonly vaultNo: number;
  readonly size: number;
  /** 64 lower-case hex digits. */
  readonly treeHash: string;
}

/**
 * The refusal for an id that is in use, reserved by an open upload or used up. It says the same whoever has the id, so
 * that nobody learns of others' archives.
 */
export function unusableArchiveId(id: string): Refusal {
  return invalidParameter(`This archive ID cannot be used: ${id}`);
}
