/** Time is handed in: only `app/` reads the system's clock. Tests use a clock that they set. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
}
