import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { CONSTANT_VECTORS, PATTERN_VECTORS } from '../../test/support/hash-vectors.ts';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import { TreeHasher, treeHash } from './index.ts';

const hex = (digest: Uint8Array): string => Buffer.from(digest).toString('hex');
const linear = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const PATTERN = patternBytes(16 * MIB + 5);

/** SHA-256 of each MiB of the pattern's first 6.5 MiB. */
const LEAVES = [
  '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd',
  '504e927a5ea2903d460324641213944313f27685c6635c2cc7c1792078cc562f',
  '71f45b021910d0f553d2fbd1a274cbdddada92c522fbf4e87fc0afaded725db5',
  '61f65a6df9125adb7d41f3937614d1e55bb15adf37852c1086575417b7fe451e',
  '5272eaba70b434df72f23cc7048bcebea2c6d2d985ceba4b0f2fda4ec67523c8',
  'f7d7378329b92f6c494ee6d7acef0edee0d8a3b57b9149c67dcf778b8a03451f',
  'e799567b9f28eb484ecf9e5ab8bb81ce6e6c594d892d48768bef768cab4e5792',
];

function inChunks(bytes: Uint8Array, lengths: readonly number[]): ReturnType<TreeHasher['digest']> {
  const hasher = new TreeHasher();
  let at = 0;
  for (const length of lengths) {
    hasher.update(bytes.subarray(at, at + length));
    at = Math.min(at + length, bytes.length);
  }
  hasher.update(bytes.subarray(at));
  return hasher.digest();
}

describe('the tree hash of bytes', () => {
  for (const [bytes, expectedLinear, expectedTree] of PATTERN_VECTORS) {
    it(`of ${bytes} bytes of the pattern is the known one`, () => {
      const data = PATTERN.subarray(0, bytes);
      assert.equal(linear(data), expectedLinear);
      assert.equal(treeHash(data), expectedTree);
    });
  }

  for (const [byte, bytes, expectedLinear, expectedTree] of CONSTANT_VECTORS) {
    it(`of ${bytes} times the byte ${byte} is the known one`, () => {
      const data = Buffer.alloc(bytes, byte);
      if (expectedLinear !== '') assert.equal(linear(data), expectedLinear);
      assert.equal(treeHash(data), expectedTree);
    });
  }

  it('of a short text is its SHA-256', () => {
    const expected = '7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069';
    assert.equal(treeHash(Buffer.from('Hello World!')), expected);
  });
});

describe('TreeHasher', () => {
  it('keeps the SHA-256 of each MiB', () => {
    const { leaves } = inChunks(PATTERN.subarray(0, 6.5 * MIB), []);
    assert.equal(hex(leaves), LEAVES.join(''));
  });

  it('has one empty leaf for no data', () => {
    const { leaves, treeHash: root } = new TreeHasher().digest();
    assert.equal(hex(leaves), linear(Buffer.alloc(0)));
    assert.equal(hex(root), linear(Buffer.alloc(0)));
  });

  it('has no empty leaf after full ones', () => {
    assert.equal(inChunks(PATTERN.subarray(0, 2 * MIB), [MIB, MIB]).leaves.length, 2 * 32);
  });

  it('returns the same for any chunks of the data', () => {
    const data = PATTERN.subarray(0, 3 * MIB + 77_777);
    const whole = inChunks(data, []);
    const odd = fc.oneof(
      fc.integer({ min: 0, max: 2 * MIB }),
      fc.constantFrom(0, 1, MIB - 1, MIB, MIB + 1, 65_536),
    );
    fc.assert(
      fc.property(fc.array(odd, { maxLength: 12 }), (lengths) => {
        const cut = inChunks(data, lengths);
        assert.equal(hex(cut.treeHash), hex(whole.treeHash));
        assert.equal(hex(cut.leaves), hex(whole.leaves));
      }),
      { numRuns: 40, seed: 2012 },
    );
  });

  it('lets the caller reuse its buffer after each update', () => {
    const hasher = new TreeHasher();
    const buffer = Buffer.alloc(65_536);
    for (let at = 0; at < 2 * MIB; at += buffer.length) {
      PATTERN.copy(buffer, 0, at);
      hasher.update(buffer);
      buffer.fill(0);
    }
    assert.equal(hex(hasher.digest().treeHash), treeHash(PATTERN.subarray(0, 2 * MIB)));
  });
});
