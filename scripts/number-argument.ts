/**
 * Reads a whole number, 0 or greater, from the command line; position 0 is the first argument. Any other text ends the
 * program with exit code 2, because a trial of NaN rounds would pass.
 * @param fallback used if the argument is missing.
 */
export function numberArgument(position: number, fallback: number): number {
  const text = process.argv[2 + position];
  if (text === undefined) return fallback;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  console.error(`${JSON.stringify(text)} is not a whole number`);
  process.exit(2);
}
