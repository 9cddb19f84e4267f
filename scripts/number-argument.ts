/**
 * A whole number, 0 or greater, from the command line: the first argument is at position 0. Anything else ends the
 * program with code 2: a trial of NaN rounds would pass.
 * @param fallback where there is no such argument.
 */
export function numberArgument(position: number, fallback: number): number {
  const text = process.argv[2 + position];
  if (text === undefined) return fallback;
  if (/^\d{1,12}$/.test(text)) return Number(text);
  console.error(`${JSON.stringify(text)} is not a whole number`);
  process.exit(2);
}
