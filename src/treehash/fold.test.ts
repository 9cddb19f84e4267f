import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import { EMPTY_HASH, foldDigests, hashPair, leafCount, sha256, treeHash } from './index.ts';

const PATTERN = patternBytes(16 * MIB + 5);
const WHOLE = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed';

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
const fold = (hashes: readonly string[]): string => hex(foldDigests(Buffer.from(hashes.join(''), 'hex')));

/** The tree hash of each part. */
function partHashes(bytes: number, partSize: number): string[] {
  const parts: string[] = [];
  for (let at = 0; at < bytes; at += partSize) {
    parts.push(treeHash(PATTERN.subarray(at, Math.min(at + partSize, bytes))));
  }
  return parts;
}

/** The definition, level by level on hex digests. */
function foldSlowly(level: readonly string[]): string {
  if (level.length === 1) return level[0] ?? '';
  const next: string[] = [];
  for (let i = 0; i < level.length; i += 2) {
    const [left = '', right] = level.slice(i, i + 2);
    const pair = Buffer.from(`${left}${right ?? ''}`, 'hex');
    next.push(right === undefined ? left : createHash('sha256').update(pair).digest('hex'));
  }
  return foldSlowly(next);
}

describe('folding the hashes of parts', () => {
  it('gives the tree hash of 6.5 MiB from parts of 2 MiB', () => {
    const parts = partHashes(6.5 * MIB, 2 * MIB);
    assert.deepEqual(parts, [
      'acc47ea8aea61d894f1c028af7c8427e70b55fbd69e840f888385dcc2b329b16',
      '91ff91571203aa8641de1ae54a861615cf7f426bded1bf91c9e7f53303d7f409',
      'ce9b3743fa501c827c42f8e053ac03cf95719593362f5ad5c1aa05aceeba6204',
      'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792',
    ]);
    assert.equal(fold(parts), WHOLE);
  });

  it('gives the same from parts of 4 MiB', () => {
    const parts = partHashes(6.5 * MIB, 4 * MIB);
    assert.deepEqual(parts, [
      '38c7dd39e4f6235b623ee2866bee41cac37d8f647c52fac3b382f06b72e7258a',
      '89fc7884638c5a9dd2fc7af2003904020e8016fa6dd55177670251ad6ba5adb1',
    ]);
    assert.equal(fold(parts), WHOLE);
  });

  it('gives the tree hash of 16 MiB and 5 bytes from parts of 8 MiB', () => {
    const parts = partHashes(16 * MIB + 5, 8 * MIB);
    assert.deepEqual(parts, [
      '7d0c992d3f5f8f4e8e8180bb4a916c5216f8dcc6c012c8bc3dd2545cea73e081',
      'db24a859bede341c0fbfd9b2e7ded932ba8d3c79ff7db1bb3350d14df2b302e8',
      '5079275d1bb8bc1642d4dbf6619a8ffda911438a27eaa7e3d6b41557dd94fabe',
    ]);
    assert.equal(fold(parts), 'cb99580cc3cd27fdb1ca64cf22e1fd2534b2d00f43f336df6b16a2e7615888d0');
  });

  it('gives the tree hash of 8 MiB and 1 byte from parts of 1 MiB', () => {
    const parts = partHashes(8 * MIB + 1, MIB);
    assert.deepEqual(parts.slice(6), [
      '7c2d3f8cda0f590914d3c5da0e6f47833d3d8dc577fcf8cc8b310b518613999c',
      '26be48842b163ea42d01a521059579bc9d151afe5a8eb79dfeca5702c18c4774',
      '76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71',
    ]);
    assert.equal(fold(parts), '4c20c2b2c8bf161c17e81c9b603e3f7a4ef94304eff84fe6b349b5fab23a2cc4');
  });

  it('passes through the inner nodes', () => {
    const node = (first: number, last: number) => treeHash(PATTERN.subarray(first * MIB, last * MIB));
    const pair = (left: string, right: string) =>
      hex(hashPair(Buffer.from(left, 'hex'), Buffer.from(right, 'hex')));
    assert.equal(pair(node(0, 1), node(1, 2)), node(0, 2));
    assert.equal(pair(node(0, 2), node(2, 4)), node(0, 4));
    assert.equal(pair(node(4, 6), node(6, 6.5)), node(4, 6.5));
    assert.equal(pair(node(0, 4), node(4, 6.5)), WHOLE);
  });
});

describe('foldDigests', () => {
  const digests = fc.array(fc.uint8Array({ minLength: 32, maxLength: 32 }), { minLength: 1, maxLength: 70 });

  it('agrees with the definition for any number of digests', () => {
    fc.assert(
      fc.property(digests, (leaves) => {
        assert.equal(hex(foldDigests(Buffer.concat(leaves))), foldSlowly(leaves.map(hex)));
      }),
      { seed: 2012 },
    );
  });

  it('neither changes its input nor returns a view of it', () => {
    const one = new Uint8Array(32).fill(7);
    const root = foldDigests(one);
    root.fill(0);
    assert.deepEqual(one, new Uint8Array(32).fill(7));
  });

  it('refuses all but whole digests', () => {
    for (const length of [0, 1, 31, 33, 63]) {
      assert.throws(() => foldDigests(new Uint8Array(length)), RangeError, `${length} bytes`);
    }
  });
});

describe('the helpers', () => {
  it('count a leaf per started MiB, and one for no data', () => {
    const cases = [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 10_000 * 4096 * MIB];
    assert.deepEqual(cases.map(leafCount), [1, 1, 1, 1, 2, 2, 40_960_000]);
  });

  it('include the hash of no data', () => {
    assert.equal(hex(sha256(Buffer.alloc(0))), EMPTY_HASH);
  });
});
