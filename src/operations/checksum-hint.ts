/**
 * Recognizes known mistakes by the wrong tree hash that they give. A bare "mismatch" costs implementers days; the few
 * mistakes that they really make can be recomputed from hashes that the server has.
 */
import { createHash } from 'node:crypto';
import { isHexHash } from '../domain/archive.ts';
import type { Part } from '../domain/upload.ts';
import { EMPTY_HASH, foldDigests, hashPair, sha256 } from '../treehash/index.ts';

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');

/** A wrong way to compute a tree hash, and the sentence that names it. */
interface Mistake {
  readonly sentence: string;
  compute(): string;
}

const NO_DATA: Mistake = {
  sentence:
    'The hash sent is the SHA-256 of no data: the stream was probably read to its end before it was hashed.',
  compute: () => EMPTY_HASH,
};

/** @param compute returns the SHA-256 of all bytes that the sent hash covers. */
function plainHash(noun: 'body' | 'archive', compute: () => string): Mistake {
  return {
    sentence: `The hash sent is the plain SHA-256 of the whole ${noun}: a tree hash is built from the SHA-256 of each MiB.`,
    compute,
  };
}

/**
 * Explains a wrong tree hash of one body.
 * @param sent the header's value as sent.
 * @param linearHash SHA-256 of the body, 64 hex digits.
 * @param leaves SHA-256 of each MiB, n × 32 bytes.
 * @returns one sentence, or undefined when no known mistake produces this hash.
 */
export function explainBodyHash(sent: string, linearHash: string, leaves: Uint8Array): string | undefined {
  return explain(sent, [
    NO_DATA,
    plainHash('body', () => linearHash),
    ...foldingMistakes(() => leaves, 'leaf'),
  ]);
}

/**
 * Explains a wrong tree hash at CompleteMultipartUpload from the parts' own hashes.
 * @param parts in order of `first`; none if the upload has ended meanwhile.
 * @returns a sentence on the known mistake that causes this hash; otherwise on the right hash and the commonest mistake;
 *   undefined without parts.
 */
export function explainWholeHash(sent: string, parts: readonly Part[]): string | undefined {
  if (parts.length === 0) return undefined;
  const known = knownMistake(sent, parts);
  if (known !== undefined) return known;
  // The SHA-256 of several parts together is unknown, and reading the archive again would take too long.
  return `The tree hash of the uploaded parts is ${hex(foldDigests(rootsOf(parts)))}. The plain SHA-256 of the whole archive is another value: a tree hash is built from the SHA-256 of each MiB.`;
}

function knownMistake(sent: string, parts: readonly Part[]): string | undefined {
  const fold = (order: readonly Part[]) => () => hex(foldDigests(rootsOf(order)));
  const asText = (text: (part: Part) => string) => [...parts].sort((a, b) => (text(a) < text(b) ? -1 : 1));
  const partSize = parts[0]?.size ?? 1;
  const sorted =
    'The hash sent folds the parts sorted as text, where 10 comes before 2: sort them by number.';
  return explain(sent, [
    NO_DATA,
    ...(parts.length === 1 ? [plainHash('archive', () => parts[0]?.linearHash ?? '')] : []),
    ...foldingMistakes(() => rootsOf(parts), 'part'),
    { sentence: 'The hash sent folds the parts in reverse order.', compute: fold([...parts].reverse()) },
    { sentence: sorted, compute: fold(asText((p) => `${p.first / partSize + 1}`)) },
    { sentence: sorted, compute: fold(asText((p) => `${p.first / partSize}`)) },
    { sentence: sorted, compute: fold(asText((p) => `${p.first}-${p.first + p.size - 1}`)) },
    {
      sentence:
        'The hash sent folds the parts in the order in which they were uploaded: fold them by offset.',
      compute: fold([...parts].sort((a, b) => a.sequence - b.sequence)),
    },
    {
      sentence:
        "The hash sent folds the parts' plain SHA-256 hashes: fold their tree hashes (x-amz-sha256-tree-hash of each part).",
      compute: () =>
        hex(foldDigests(Buffer.concat(parts.map((part) => Buffer.from(part.linearHash, 'hex'))))),
    },
  ]);
}

function explain(sent: string, mistakes: readonly Mistake[]): string | undefined {
  const hash = sent.toLowerCase();
  if (!isHexHash(hash)) return undefined;
  return mistakes.find((mistake) => mistake.compute() === hash)?.sentence;
}

function rootsOf(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(parts.map((part) => Buffer.from(part.treeHash, 'hex')));
}

/** Mistakes in folding; `noun` says what the digests belong to. */
function foldingMistakes(digests: () => Uint8Array, noun: 'leaf' | 'part'): Mistake[] {
  const fold = (join: Join, odd: Odd) => () => hex(foldWrongly(digests(), join, odd));
  return [
    {
      sentence: 'The hash sent joins digests as hexadecimal text: join the 32 raw bytes of each.',
      compute: fold(hexPair, keep),
    },
    {
      sentence: `The hash sent hashes an odd ${noun} again: a digest without a partner moves up unchanged.`,
      compute: fold(hashPair, sha256),
    },
    {
      sentence: `The hash sent pairs an odd ${noun} with itself: a digest without a partner moves up unchanged.`,
      compute: fold(hashPair, (digest) => hashPair(digest, digest)),
    },
  ];
}

type Join = (left: Uint8Array, right: Uint8Array) => Uint8Array;
type Odd = (digest: Uint8Array) => Uint8Array;

const keep: Odd = (digest) => digest;
const hexPair: Join = (left, right) => createHash('sha256').update(hex(left)).update(hex(right)).digest();

function foldWrongly(digests: Uint8Array, join: Join, odd: Odd): Uint8Array {
  let level: Uint8Array[] = [];
  for (let at = 0; at < digests.length; at += 32) level.push(digests.subarray(at, at + 32));
  while (level.length > 1) level = wrongLevel(level, join, odd);
  return level[0] ?? digests;
}

function wrongLevel(level: readonly Uint8Array[], join: Join, odd: Odd): Uint8Array[] {
  const next: Uint8Array[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left, right] = [level[i] as Uint8Array, level[i + 1]];
    next.push(right === undefined ? odd(left) : join(left, right));
  }
  return next;
}
