/** `2012-03-20T17:03:43.221Z`: the form of every date in the API's JSON but an inventory's. */
export function toApiDate(ms: number): string {
  return new Date(ms).toISOString();
}
