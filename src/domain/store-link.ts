/** The link between a catalog and its store: their ids, the generation and the commit number. */

export interface StoreLink {
  /** 32 lower-case hex digits, drawn at the first claim and never changed; undefined before it. */
  readonly catalogId: string | undefined;
  /** The id of the store; undefined until the first claim. */
  readonly storeId: string | undefined;
  /** The generation of the last start that claimed the catalog; 0 before the first. */
  readonly generation: number;
  /** Never decreases. Grows with each commit on SQLite, with `raiseCommitNumber` on PostgreSQL. */
  readonly commitNumber: number;
}

export interface StoreLinkReads {
  storeLink(): Promise<StoreLink>;
  /** Whether the catalog names any blob: of an archive, a part or an inventory. */
  namesAnyBlob(): Promise<boolean>;
}

export interface ClaimGenerationArgs {
  readonly catalogId: string;
  readonly storeId: string;
  readonly generation: number;
}

export interface RaiseCommitNumberArgs {
  readonly beyond: number;
}

export interface StoreLinkWrites {
  /**
   * Links catalog and store, and ends all earlier generations: when this resolves, none of their transactions is under
   * way, and they can commit no more. Later writes of this catalog object belong to the claimed generation.
   * @throws GenerationClosed when the catalog's id is not `catalogId`, or `generation` is not above its own; Shortage when
   * a transaction of an earlier generation does not end in time: then the claim may be retried.
   */
  claimGeneration(args: ClaimGenerationArgs): Promise<void>;
  /** Raises the commit number above `beyond`, by at least one, durably; returns the new one. */
  raiseCommitNumber(args: RaiseCommitNumberArgs): Promise<number>;
}

/** The generation that a catalog object writes for; `current` is the catalog's when it is opened. */
export type Generation = number | 'current';

/** A later start has claimed the catalog: this process must not write any more. */
export class GenerationClosed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GenerationClosed';
  }
}
