/** Bodies of uploads, with their hashes. Large ones are made once, because hashing them takes most of a simulation. */
import { createHash } from 'node:crypto';
import { foldDigests, treeHash } from '../../../src/treehash/index.ts';
import { Random } from './random.ts';

export const MIB = 1_048_576;
/** Longer than any blob in a pack. */
const LARGE_BYTES = 262_145;
/** Longer than a leaf, so that it is written past the page cache. */
const LONG_BYTES = MIB + 70_001;

export interface Content {
  readonly bytes: Buffer;
  readonly linearHash: string;
  readonly treeHash: string;
}

/** `tiny` has a few bytes, `small` goes into a pack, `large` and `long` into files, `part` is exactly 1 MiB. */
export type ContentKind = 'tiny' | 'small' | 'large' | 'long' | 'part';

const KEPT: Readonly<Record<Exclude<ContentKind, 'tiny'>, readonly number[]>> = {
  small: [3000, 9000, 17_000, 40_000],
  large: [LARGE_BYTES, LARGE_BYTES + 4096, 300_001],
  long: [LONG_BYTES],
  part: [MIB, MIB, MIB, MIB],
};

const kept = new Map<string, Content>();

/** Content of this kind; that of a tiny one is new each time. */
export function contentOf(kind: ContentKind, random: Random): Content {
  if (kind === 'tiny') return toContent(random.bytes(1 + random.below(500)));
  const at = random.below(KEPT[kind].length);
  const name = `${kind} ${at}`;
  let content = kept.get(name);
  if (content === undefined) {
    content = toContent(patternOf(KEPT[kind][at] ?? 1, kept.size));
    kept.set(name, content);
  }
  return content;
}

/** Bytes of which no two sectors are the same. */
function patternOf(length: number, seed: number): Buffer {
  const random = new Random(seed);
  const bytes = Buffer.alloc(length, random.bytes(1009));
  for (let at = 0; at + 8 <= length; at += 512) bytes.writeDoubleLE(random.next(), at);
  return bytes;
}

function toContent(bytes: Buffer): Content {
  return { bytes, linearHash: createHash('sha256').update(bytes).digest('hex'), treeHash: treeHash(bytes) };
}

/** The tree hash of contents one after the other, all but the last of whole MiBs. */
export function foldOf(contents: readonly Pick<Content, 'treeHash'>[]): string {
  const roots = Buffer.from(contents.map((one) => one.treeHash).join(''), 'hex');
  return Buffer.from(foldDigests(roots)).toString('hex');
}
