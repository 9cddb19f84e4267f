/** What a start finds: all that its decision rests on. */
import type { StoreFound } from './store-identity.ts';

/** What a catalog says of itself before anything is written to it. */
export type CatalogFound =
  /** No such database yet, or one without our tables. */
  { readonly kind: 'none' } | FoundCatalog;

/** A catalog as a start finds it. */
export interface FoundCatalog {
  readonly kind: 'catalog';
  /** Undefined where no start of a version with identities has claimed it. */
  readonly catalogId: string | undefined;
  readonly storeId: string | undefined;
  readonly generation: number;
  readonly commitNumber: number;
  /** Whether the number grows with each commit (SQLite), or only where it is raised (PostgreSQL). */
  readonly countsCommits: boolean;
  /** Whether it lists anything whose bytes a store must have. */
  readonly namesAnyBlob: boolean;
  readonly hasVaults: boolean;
  /** The greatest number of a fact. */
  readonly lastEntrySeq: number;
  readonly mode: 'normal' | 'emulator' | undefined;
  /** Whether it says that it is older than its store, and nobody has accepted that. */
  readonly knowsOlder: boolean;
}

/** All that a start knows. Paths and places are for messages. */
export interface StartFindings {
  readonly dataFolder: string;
  readonly storeFolder: string;
  readonly masterKey: string;
  readonly hasMasterKey: boolean;
  /** Which catalog the settings name, without a secret. */
  readonly catalogPlace: string;
  /** The catalog that the data folder belonged to at its last start; undefined before its first. */
  readonly remembered: { readonly place: string; readonly catalogId: string } | undefined;
  readonly store: StoreFound;
  readonly catalog: CatalogFound;
  readonly emulator: boolean;
  /** What the operator says that he means (`--accept-empty-store`, `--accept-catalog`). */
  readonly accepts: { readonly emptyStore: boolean; readonly catalog: boolean };
  /** Drawn at random, for what has no id yet. */
  readonly fresh: { readonly storeId: string; readonly catalogId: string };
}
