/**
 * Folds case as Unicode's simple case folding relates characters, so that a search is the same whatever database stores
 * the text. The length in code points stays.
 */
export function foldCase(text: string): string {
  return Array.from(text, foldChar).join('');
}

/** `ı` has the capital `I`, but simple folding keeps them apart. */
const UNFOLDED: ReadonlySet<string> = new Set(['\u0131']);

function foldChar(char: string): string {
  if (UNFOLDED.has(char)) return char;
  return single(single(char, char.toUpperCase()), single(char, char.toUpperCase()).toLowerCase());
}

/** The changed character, or the given one where one became several. */
function single(char: string, changed: string): string {
  return [...changed].length === 1 ? changed : char;
}
