/** What a plan gives away: that a statement reads all of a table, or more of it than it can need. */
export interface Fault {
  readonly table: string;
  readonly what: string;
}

/** A statement that the catalog ran, and what its database says of how it is done. */
export interface PlannedStatement {
  /** The database's words, for people. */
  readonly plan: string;
  readonly sql: string;
  readonly faults: readonly Fault[];
}

/** Listens to a database for the statements that are run there. */
export interface PlanListener {
  /** What was run since the last time. */
  take(): readonly PlannedStatement[];
  stop(): void;
}
