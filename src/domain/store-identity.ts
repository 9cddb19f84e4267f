/** Which store a folder is, and which catalog it belongs to (docs/format.md, "Identity"). */

/** Note of a commit number that the catalog has reached: `{"number"}`. No catalog of the store may be below it. */
export const COMMIT_NOTE = 'commit-number';
/** Note that is there while the catalog counts as older than the store: `{"sinceMs","found","known"}`. */
export const OLDER_NOTE = 'catalog-older';
/** Note of when an operator last accepted an older catalog: `{"atMs"}`. */
export const ACCEPTED_NOTE = 'catalog-accepted';

/** The file, within the store, that holds the identity. */
export const IDENTITY_FILE = 'identity.json';

/** What a store says of itself. */
export interface StoreIdentity {
  /** Drawn when the store was made, never changed; 32 hex digits. */
  readonly storeId: string;
  /** Of the catalog that lists its archives; 32 hex digits. */
  readonly catalogId: string;
  /** Greater with each start that may write; at least 1. */
  readonly generation: number;
  /** Whether it was made by an emulator, which may erase it. */
  readonly emulator: boolean;
}

/** What lies where a store should be, as a start finds it before it changes anything. */
export type StoreFound =
  /** No folder, or one that holds nothing of a store; `what` for the message. */
  | { readonly kind: 'none'; readonly what: 'not there' | 'empty' | 'no store' }
  /** A store of a form that this version does not know. */
  | { readonly kind: 'foreign'; readonly format: string }
  | FoundStore;

/** A store as a start finds it. */
export interface FoundStore {
  readonly kind: 'store';
  /** 1, 2 or 3. */
  readonly formatVersion: number;
  /** Undefined before form 3, and where its file is gone. */
  readonly identity: StoreIdentity | undefined;
  /** Names of files and folders within the store that must be there and are not. */
  readonly missing: readonly string[];
  /** Whether there is any blob, in a file of its own or in a pack. */
  readonly holdsBlobs: boolean;
  /** Whether there is a blob, or a fact in the journal. */
  readonly holdsAnything: boolean;
  /** The greatest commit number that it knows of, and the greatest number of a fact; 0 without any. */
  readonly commitNumber: number;
  readonly lastEntrySeq: number;
  /** Whether it says that its catalog is older than it is, and nobody has accepted that. */
  readonly knowsOlder: boolean;
}
