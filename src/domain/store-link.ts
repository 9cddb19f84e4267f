/** What ties a catalog to the store whose archives it lists: identities, the generation and the commit number. */

export interface StoreLink {
  /** 32 lower-case hex digits, drawn at the first claim and never changed; undefined before it. */
  readonly catalogId: string | undefined;
  /** The id of the store; undefined until the first claim. */
  readonly storeId: string | undefined;
  /** The generation of the last start that claimed the catalog; 0 before the first. */
  readonly generation: number;
  /** Only grows: with each commit on SQLite, with `raiseCommitNumber` on PostgreSQL. */
  readonly commitNumber: number;
}

export interface StoreLinkReads {
  storeLink(): Promise<StoreLink>;
  /** Whether the catalog holds an archive, a part or an inventory: anything whose bytes a store must have. */
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
   * Ties catalog and store, and closes every lower generation: when this resolves, none of their transactions is
   * under way any more, and every later commit of theirs is refused. What this catalog object writes from now on is of
   * the claimed generation.
   * @throws GenerationClosed when the catalog has another id than `catalogId`, or `generation` is not above its own;
   * Shortage when a transaction of an earlier generation does not end in time: the claim may be tried again.
   */
  claimGeneration(args: ClaimGenerationArgs): Promise<void>;
  /** Makes the commit number greater than `beyond` and than it was, durably; gives the new one. */
  raiseCommitNumber(args: RaiseCommitNumberArgs): Promise<number>;
}

/** Whose writes a catalog object makes: those of a generation, or of the one that it finds when it is opened. */
export type Generation = number | 'current';

/** The catalog belongs to another run of a server by now: this process must not write any more. */
export class GenerationClosed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'GenerationClosed';
  }
}
