/** The identity of a store: its own id and that of its catalog (docs/format.md, "Identity"). */

/** Note of a commit number that the catalog has reached: `{"number"}`. A catalog below it is older than the store. */
export const COMMIT_NOTE = 'commit-number';
/** Note of the generation whose start closed the journal files of all earlier ones: `{"generation"}`. */
export const JOURNAL_CLOSED_NOTE = 'journal-closed';
/** Note that exists while the catalog counts as older than the store: `{"sinceMs","found","known"}`. */
export const OLDER_NOTE = 'catalog-older';
/** Note of when an operator last accepted an older catalog: `{"atMs"}`. */
export const ACCEPTED_NOTE = 'catalog-accepted';

/** The file, within the store, that holds the identity. */
export const IDENTITY_FILE = 'identity.json';

/** A store's identity, as its file has it. */
export interface StoreIdentity {
  /** 32 hex digits, drawn when the store was made and never changed. */
  readonly storeId: string;
  /** Of the catalog that lists its archives; 32 hex digits. */
  readonly catalogId: string;
  /** Greater with each start that may write; at least 1. */
  readonly generation: number;
  /** Whether an emulator made the store, which may erase it. */
  readonly emulator: boolean;
}

/** What a start finds in place of a store, before it changes anything. */
export type StoreFound =
  /** No folder, or one that holds nothing of a store; `what` is for the message. */
  | { readonly kind: 'none'; readonly what: 'not there' | 'empty' | 'no store' }
  /** A store of a form that this version does not know. */
  | { readonly kind: 'foreign'; readonly format: string }
  | FoundStore;

/** A store as a start finds it. */
export interface FoundStore {
  readonly kind: 'store';
  /** 1, 2 or 3. */
  readonly formatVersion: number;
  /** Undefined before form 3, and if its file is gone. */
  readonly identity: StoreIdentity | undefined;
  /** Names of files and folders that the store must have and lacks. */
  readonly missing: readonly string[];
  /** Whether it has any blob, in a file of its own or in a pack. */
  readonly holdsBlobs: boolean;
  /** Whether it has a blob or a journal entry. */
  readonly holdsAnything: boolean;
  /** The greatest commit number in it, and the greatest number of an entry; 0 without any. */
  readonly commitNumber: number;
  readonly lastEntrySeq: number;
  /** Whether its catalog is noted as older, and no operator has accepted that. */
  readonly knowsOlder: boolean;
}
