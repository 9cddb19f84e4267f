/**
 * Wrong tree hashes, computed with the usual mistakes of clients. Written from the definition, without the server's
 * code, so that the server's explanations are tested independently.
 */
import { createHash } from 'node:crypto';

const sha256 = (...pieces: (Uint8Array | string)[]): Buffer => {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest();
};

/** SHA-256 of each MiB. */
export function leavesOf(body: Uint8Array): Buffer[] {
  const leaves: Buffer[] = [];
  for (let at = 0; at < body.length; at += 1024 * 1024)
    leaves.push(sha256(body.subarray(at, at + 1024 * 1024)));
  return leaves;
}

/** How a level of a tree is made: the parent of a pair, and of a digest without a partner. */
interface Folding {
  pair(left: Buffer, right: Buffer): Buffer;
  odd(digest: Buffer): Buffer;
}

const RIGHT: Folding = { pair: (left, right) => sha256(left, right), odd: (digest) => digest };

function foldWith(digests: readonly Buffer[], folding: Folding): string {
  const [first, second] = digests;
  if (first === undefined) throw new RangeError('nothing to fold');
  if (second === undefined) return first.toString('hex');
  const next: Buffer[] = [];
  const left = [...digests];
  while (left.length > 1) next.push(folding.pair(left.shift() as Buffer, left.shift() as Buffer));
  for (const odd of left) next.push(folding.odd(odd));
  return foldWith(next, folding);
}

/** The correct tree hash. */
export function fold(digests: readonly Buffer[]): string {
  return foldWith(digests, RIGHT);
}

/** Joins the digests as hexadecimal text. */
export function foldHexText(digests: readonly Buffer[]): string {
  return foldWith(digests, { ...RIGHT, pair: (a, b) => sha256(a.toString('hex') + b.toString('hex')) });
}

/** Hashes a digest without a partner once more. */
export function foldRehashingOdd(digests: readonly Buffer[]): string {
  return foldWith(digests, { ...RIGHT, odd: (digest) => sha256(digest) });
}

/** Pairs a digest without a partner with itself. */
export function foldDoublingOdd(digests: readonly Buffer[]): string {
  return foldWith(digests, { ...RIGHT, odd: (digest) => sha256(digest, digest) });
}

/** The SHA-256 of no data. */
export const HASH_OF_NOTHING = createHash('sha256').digest('hex');
