/**
 * Matching of `*` and `?`. Both the pattern and the text may be hostile, so no pair of them may take exponential time:
 * no regular expressions, no backtracking.
 */

/** `*`: any run of characters, including none. */
export const MANY = Symbol('*');
/** `?`: any one character. */
const ONE = Symbol('?');

/** A pattern, one element for each character: the character itself, or a wildcard. */
export type Glob = readonly (string | typeof MANY | typeof ONE)[];

/** Tells whether a text matches one pattern, from its first to its last character; case matters. */
export type Matcher = (text: string) => boolean;

/** Reads `*` and `?` as wildcards and everything else as itself. */
export function globOf(pattern: string): Glob {
  return [...pattern].map((char) => (char === '*' ? MANY : char === '?' ? ONE : char));
}

/** The text that a pattern without wildcards stands for; undefined when it has any. */
export function literalOf(glob: Glob): string | undefined {
  return glob.every((element) => typeof element === 'string') ? glob.join('') : undefined;
}

/** Prepares a pattern. The usual forms (no wildcard, one `*` at the end) need no search. */
export function compileGlob(glob: Glob): Matcher {
  const literal = literalOf(glob);
  if (literal !== undefined) return (text) => text === literal;
  const prefix = glob.at(-1) === MANY ? literalOf(glob.slice(0, -1)) : undefined;
  if (prefix !== undefined) return (text) => text.startsWith(prefix);
  return (text) => search(glob, text);
}

/**
 * Tries all matches at once: bit i of `reached` says that the elements so far can match exactly the first i characters.
 * Each element costs one pass over the bits, so the total is length × length / word size.
 */
function search(glob: Glob, text: string): boolean {
  const chars = [...text];
  const places = placesOf(chars);
  const all = (1n << BigInt(chars.length + 1)) - 1n;
  let reached = 1n;
  for (const element of glob) {
    if (element === MANY) reached = all ^ ((reached & -reached) - 1n);
    else reached = (reached & (element === ONE ? all >> 1n : (places.get(element) ?? 0n))) << 1n;
    if (reached === 0n) return false;
  }
  return reached >> BigInt(chars.length) === 1n;
}

/** Character → its positions in the text, as bits. */
function placesOf(chars: readonly string[]): ReadonlyMap<string, bigint> {
  const places = new Map<string, bigint>();
  let bit = 1n;
  for (const char of chars) {
    places.set(char, (places.get(char) ?? 0n) | bit);
    bit <<= 1n;
  }
  return places;
}
