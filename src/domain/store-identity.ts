/** Which store a folder is, and which catalog it belongs to (docs/format.md, "Identity"). */

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
  readonly form: number;
  /** Undefined before form 3, and where its file is gone. */
  readonly identity: StoreIdentity | undefined;
  /** Names of files and folders within the store that must be there and are not. */
  readonly missing: readonly string[];
  /** Whether there is any blob, in a file of its own or in a pack. */
  readonly holdsBlobs: boolean;
  /** Whether there is a blob, or a fact in the journal. */
  readonly holdsAnything: boolean;
}
