/** What a start finds, on which it bases its decision. */
import type { StoreFound } from './store-identity.ts';

/** What a start finds in place of a catalog, before it writes anything. */
export type CatalogFound =
  /** No such database yet, or one without Moraine's tables. */
  { readonly kind: 'none' } | FoundCatalog;

/** A catalog as a start finds it. */
export interface FoundCatalog {
  readonly kind: 'catalog';
  /** Undefined if no start of a version with identities has claimed it. */
  readonly catalogId: string | undefined;
  readonly storeId: string | undefined;
  readonly generation: number;
  readonly commitNumber: number;
  /** Whether the commit number grows with each commit (SQLite), or only by `raiseCommitNumber` (PostgreSQL). */
  readonly countsCommits: boolean;
  /** Whether it names any blob. */
  readonly namesAnyBlob: boolean;
  readonly hasVaults: boolean;
  /** The greatest number of an entry. */
  readonly lastEntrySeq: number;
  readonly mode: 'normal' | 'emulator' | undefined;
  /** Whether it is noted as older than its store, and no operator has accepted that. */
  readonly knowsOlder: boolean;
}

/** All findings of a start. Paths and places are for messages. */
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
  /** What the operator has accepted (`--accept-empty-store`, `--accept-catalog`). */
  readonly accepts: { readonly emptyStore: boolean; readonly catalog: boolean };
  /** Random ids, for a store or a catalog without one. */
  readonly fresh: { readonly storeId: string; readonly catalogId: string };
}
