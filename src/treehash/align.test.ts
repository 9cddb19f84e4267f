import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import { foldDigests, isMegabyteAligned, isTreeAligned, sha256, treeHash } from './index.ts';

const SIZE = 6.5 * MIB;

/**
 * Ranges of 6.5 MiB of the pattern: first and last byte, whether MiB-aligned, whether tree-aligned, and if so the hash.
 */
const RANGES: readonly (readonly [number, number, boolean, boolean, string])[] = [
  [0, 6815743, true, true, '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed'],
  [0, 1048575, true, true, '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd'],
  [1048576, 2097151, true, true, '504e927a5ea2903d460324641213944313f27685c6635c2cc7c1792078cc562f'],
  [0, 2097151, true, true, 'acc47ea8aea61d894f1c028af7c8427e70b55fbd69e840f888385dcc2b329b16'],
  [2097152, 4194303, true, true, '91ff91571203aa8641de1ae54a861615cf7f426bded1bf91c9e7f53303d7f409'],
  [2097152, 3145727, true, true, '71f45b021910d0f553d2fbd1a274cbdddada92c522fbf4e87fc0afaded725db5'],
  [0, 4194303, true, true, '38c7dd39e4f6235b623ee2866bee41cac37d8f647c52fac3b382f06b72e7258a'],
  [4194304, 6291455, true, true, 'ce9b3743fa501c827c42f8e053ac03cf95719593362f5ad5c1aa05aceeba6204'],
  [4194304, 6815743, true, true, '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1'],
  [6291456, 6815743, true, true, 'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792'],
  [1048576, 3145727, true, false, ''],
  [2097152, 6291455, true, false, ''],
  [3145728, 5242879, true, false, ''],
  [0, 3145727, true, false, ''],
  [0, 6291455, true, false, ''],
  [5242880, 6815743, true, false, ''],
  [0, 1023, false, false, ''],
  [1048576, 2097152, false, false, ''],
];

/** The nodes of a tree over `leaves` leaves, each as its first leaf and the leaf after its last. */
function nodesOf(leaves: number): Set<string> {
  let level = Array.from({ length: leaves }, (_, i): [number, number] => [i, i + 1]);
  const nodes = new Set(level.map(String));
  while (level.length > 1) {
    const next: [number, number][] = [];
    for (let i = 0; i < level.length; i += 2) {
      const [left, right] = [level[i] as [number, number], level[i + 1]];
      next.push(right ? [left[0], right[1]] : left);
    }
    for (const node of next) nodes.add(String(node));
    level = next;
  }
  return nodes;
}

/** The root hashes of all subtrees of a tree over `digests`. */
function rootsOf(digests: readonly Uint8Array[]): Set<string> {
  const roots = [...nodesOf(digests.length)].map((node) => {
    const [first, end] = node.split(',').map(Number);
    return rootOf(digests.slice(first, end));
  });
  return new Set(roots);
}

function rootOf(digests: readonly Uint8Array[]): string {
  return Buffer.from(foldDigests(Buffer.concat(digests))).toString('hex');
}

/** The byte range of leaves `first` to `end` (excluded) in data of `size` bytes. */
function spanOf(first: number, end: number, size: number): { first: number; last: number } {
  return { first: first * MIB, last: Math.min(end * MIB, size) - 1 };
}

describe('the alignment of a range', () => {
  const pattern = patternBytes(SIZE);
  for (const [first, last, megabyte, tree, hash] of RANGES) {
    it(`is right for ${first}-${last} in 6.5 MiB`, () => {
      assert.equal(isMegabyteAligned({ first, last }, SIZE), megabyte);
      assert.equal(isTreeAligned({ first, last }, SIZE), tree);
      if (tree) assert.equal(treeHash(pattern.subarray(first, last + 1)), hash);
    });
  }

  it("agrees with the SDK guide's example of 3.1 MB", () => {
    const size = 3_250_586;
    const aligned = (first: number, last: number) => isTreeAligned({ first, last }, size);
    assert.equal(aligned(1_048_576, 2_097_151), true);
    assert.equal(aligned(2_097_152, 3_250_585), true);
    assert.equal(aligned(1_048_576, 3_250_585), false);
    const bytes = patternBytes(size);
    assert.equal(treeHash(bytes), '4845010850029fcffd3413f49c8e03d490194113934ff34d43b387f3e6a98448');
    assert.equal(
      treeHash(bytes.subarray(2_097_152)),
      '32c2a0ef26e3df8cc61512a0b220b881df9e30f586a88306852b6df3ac91f511',
    );
  });

  it('is exact for every range of whole MiB in data of 1 to 199 leaves', () => {
    for (let leaves = 1; leaves < 200; leaves++) {
      const nodes = nodesOf(leaves);
      const size = leaves * MIB - (leaves % 3);
      for (let first = 0; first < leaves; first++) {
        for (let end = first + 1; end <= leaves; end++) {
          const aligned = isTreeAligned(spanOf(first, end, size), size);
          // Fails only on a mismatch, because an assertion for each of over a million ranges is slow.
          if (aligned !== nodes.has(`${first},${end}`))
            assert.fail(`${first}..${end} of ${leaves}: ${aligned}`);
        }
      }
    }
  });

  it('means that the hash of the range is the hash of a subtree', () => {
    for (let leaves = 1; leaves < 34; leaves++) {
      const digests = Array.from({ length: leaves }, (_, i) => sha256(Buffer.of(i)));
      const roots = rootsOf(digests);
      for (let first = 0; first < leaves; first++) {
        for (let end = first + 1; end <= leaves; end++) {
          const aligned = isTreeAligned(spanOf(first, end, leaves * MIB), leaves * MIB);
          assert.equal(
            aligned,
            roots.has(rootOf(digests.slice(first, end))),
            `${first}..${end} of ${leaves}`,
          );
        }
      }
    }
  });

  it('is the same within an aligned range as within the whole', () => {
    const leaves = 40;
    const size = leaves * MIB;
    for (const node of nodesOf(leaves)) {
      const [from = 0, to = 0] = node.split(',').map(Number);
      for (let first = from; first < to; first++) {
        for (let end = first + 1; end <= to; end++) {
          const alone = isTreeAligned(spanOf(first - from, end - from, (to - from) * MIB), (to - from) * MIB);
          assert.equal(isTreeAligned(spanOf(first, end, size), size), alone, `${first}..${end} in ${node}`);
        }
      }
    }
  });

  it('is right for the last part of the largest archive', () => {
    const part = 4096 * MIB;
    const size = 10_000 * part;
    assert.equal(isTreeAligned({ first: size - part, last: size - 1 }, size), true);
    assert.equal(isTreeAligned({ first: size - part - MIB, last: size - 1 }, size), false);
  });
});
