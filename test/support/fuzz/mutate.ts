/** Changes of an input, each a small and typical mistake of a sender or a disk. */
import type { Random } from '../simulator/random.ts';

/** What a mutation may use. */
export interface MutationSources {
  readonly random: Random;
  readonly dictionary: readonly Buffer[];
  /** Inputs to take pieces from. */
  readonly corpus: readonly Buffer[];
  /** Longest result, in bytes. */
  readonly maxBytes: number;
}

const MOST_CHANGES = 6;
const LONGEST_PIECE = 64;
const MOST_COPIES = 64;
const BYTES = [
  0x00, 0x01, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2e, 0x2f, 0x30, 0x5c, 0x7f, 0x80, 0xc3, 0xed, 0xff,
];
const NUMBERS = [
  '0',
  '-1',
  '00',
  '1048576',
  '4294967296',
  '9007199254740993',
  '9'.repeat(15),
  '9'.repeat(30),
  '1e9',
];
const INTEGERS = [
  0n,
  1n,
  63n,
  64n,
  65n,
  0x7fffffffn,
  0xffffffffn,
  1n << 53n,
  (1n << 53n) + 1n,
  (1n << 64n) - 1n,
];

type Mutation = (input: Buffer, sources: MutationSources) => Buffer;

/** Changes an input in one to six ways. */
export function mutate(input: Buffer, sources: MutationSources): Buffer {
  const { random, maxBytes } = sources;
  let changed = input;
  for (let left = 1 + random.below(MOST_CHANGES); left > 0; left--) {
    const mutation = random.pick(MUTATIONS) as Mutation;
    changed = mutation(changed, sources).subarray(0, maxBytes);
  }
  return Buffer.from(changed);
}

function replace(input: Buffer, from: number, to: number, piece: Buffer): Buffer {
  return Buffer.concat([input.subarray(0, from), piece, input.subarray(Math.max(from, to))]);
}

/** A place in the input, its end included. */
function placeIn(input: Buffer, { random }: MutationSources): number {
  return random.below(input.length + 1);
}

/** A short run of bytes: where it begins and ends. */
function pieceOf(input: Buffer, sources: MutationSources): [number, number] {
  const from = placeIn(input, sources);
  return [from, Math.min(input.length, from + 1 + sources.random.below(LONGEST_PIECE))];
}

/** Replaces one byte. */
function setByte(input: Buffer, sources: MutationSources, byteFor: (old: number) => number): Buffer {
  if (input.length === 0) return input;
  const at = sources.random.below(input.length);
  return replace(input, at, at + 1, Buffer.from([byteFor(input[at] ?? 0)]));
}

/** A word of the dictionary, or a usual byte where there is none. */
function wordOf({ random, dictionary }: MutationSources): Buffer {
  return random.pick(dictionary) ?? Buffer.from([random.pick(BYTES) ?? 0]);
}

const MUTATIONS: readonly Mutation[] = [
  (input, sources) => setByte(input, sources, (old) => old ^ (1 << sources.random.below(8))),
  (input, sources) => setByte(input, sources, () => sources.random.below(256)),
  (input, sources) => setByte(input, sources, () => sources.random.pick(BYTES) ?? 0),
  (input, sources) => replace(input, ...pieceOf(input, sources), Buffer.alloc(0)),
  (input, sources) => input.subarray(0, placeIn(input, sources)),
  insertWord,
  insertWord,
  insertByte,
  (input, sources) => replace(input, ...pieceOf(input, sources), wordOf(sources)),
  repeatPiece,
  splice,
  replaceNumber,
  writeInteger,
];

function insertWord(input: Buffer, sources: MutationSources): Buffer {
  const at = placeIn(input, sources);
  return replace(input, at, at, wordOf(sources));
}

function insertByte(input: Buffer, sources: MutationSources): Buffer {
  const at = placeIn(input, sources);
  return replace(input, at, at, Buffer.from([sources.random.below(256)]));
}

/** Repeats a piece, sometimes often: parsers that take more than linear time show it on long inputs. */
function repeatPiece(input: Buffer, sources: MutationSources): Buffer {
  const [from, to] = pieceOf(input, sources);
  const copies = 1 + sources.random.below(sources.random.chance(0.2) ? MOST_COPIES : 3);
  return replace(input, to, to, Buffer.concat(Array(copies).fill(input.subarray(from, to))));
}

/** Puts a piece of another input in. */
function splice(input: Buffer, sources: MutationSources): Buffer {
  const other = sources.random.pick(sources.corpus) ?? input;
  const [from, to] = pieceOf(other, sources);
  const place = sources.random.chance(0.5)
    ? pieceOf(input, sources)
    : ([input.length, input.length] as const);
  return replace(input, ...place, other.subarray(from, to));
}

/** Replaces a decimal number by one at a limit. */
function replaceNumber(input: Buffer, { random }: MutationSources): Buffer {
  const found = random.pick([...input.toString('latin1').matchAll(/\d+/g)]);
  if (found === undefined) return input;
  return replace(input, found.index, found.index + found[0].length, Buffer.from(random.pick(NUMBERS) ?? '0'));
}

/** Writes a little-endian integer of 1, 2, 4 or 8 bytes. */
function writeInteger(input: Buffer, { random }: MutationSources): Buffer {
  const integer = Buffer.alloc(8);
  integer.writeBigUInt64LE(random.pick(INTEGERS) ?? 0n);
  const bytes = 2 ** random.below(4);
  const at = random.below(input.length / bytes + 1) * bytes;
  return replace(input, at, at + bytes, integer.subarray(0, bytes));
}
