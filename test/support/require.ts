/**
 * For tests that need a program which may be missing on this machine. Returns `false` if it is available, otherwise the
 * reason to skip, printed once. Where everything is required (CI), a missing one is a failure.
 */
export function unlessPresent(present: boolean, what: string): false | string {
  if (present) return false;
  if (process.env['MORAINE_TEST_REQUIRE'] === 'all') throw new Error(`${what} is required here and missing`);
  console.error(`${what} is missing: its tests are skipped`);
  return `${what} is missing`;
}
