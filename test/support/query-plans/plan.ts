/** A fault in a plan: the statement reads a whole table, or more of it than it needs. */
export interface Fault {
  readonly table: string;
  readonly what: string;
}

/** A statement that the catalog ran, and the database's plan for it. */
export interface PlannedStatement {
  /** The plan in the database's words, for messages. */
  readonly plan: string;
  readonly sql: string;
  readonly faults: readonly Fault[];
}

/** Records the statements that a database runs. */
export interface PlanListener {
  /** Returns the statements since the last call. */
  take(): readonly PlannedStatement[];
  stop(): void;
}
