/** Time is handed in: only `app/` reads the system's clock. Tests use a clock that they set. */
export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  now(): number;
}

/** `2012-03-20T17:03:43.221Z`: the form of every date in the API's JSON but an inventory's. */
export function toApiDate(ms: number): string {
  return new Date(ms).toISOString();
}
