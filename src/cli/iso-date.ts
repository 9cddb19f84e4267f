/** A time as commands print it: UTC with milliseconds, as in the API. @param ms since the epoch. */
export function isoDate(ms: number): string {
  return new Date(ms).toISOString();
}
