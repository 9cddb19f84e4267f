import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import { refuses } from '../../test/support/refusal.ts';
import { treeHash } from '../treehash/index.ts';
import { assemble, type Part, type Upload } from './upload.ts';

const INVALID = 'invalid';

const DATA = patternBytes(5 * MIB + 17);
const UPLOAD: Upload = {
  no: 1,
  id: 'UPLOAD',
  vaultNo: 1,
  archiveId: 'ARCHIVE',
  description: null,
  partSize: MIB,
  createdMs: 0,
};

function partAt(first: number, size = MIB): Part {
  const body = DATA.subarray(first, first + size);
  return { first, size: body.length, treeHash: treeHash(body), linearHash: treeHash(body), sequence: 1 };
}

describe('assembling the parts', () => {
  const all = [0, 1, 2, 3, 4, 5].map((i) => partAt(i * MIB));

  it('gives the size and the tree hash of the whole for any part size', () => {
    const whole = { size: DATA.length, treeHash: treeHash(DATA) };
    assert.deepEqual(assemble(UPLOAD, all), whole);
    const double = [partAt(0, 2 * MIB), partAt(2 * MIB, 2 * MIB), partAt(4 * MIB, 2 * MIB)];
    assert.deepEqual(assemble({ ...UPLOAD, partSize: 2 * MIB }, double), whole);
    const one = { size: 1, treeHash: treeHash(DATA.subarray(0, 1)) };
    assert.deepEqual(assemble(UPLOAD, [partAt(0, 1)]), one);
  });

  it('says that there are no parts', () => {
    refuses(() => assemble(UPLOAD, []), INVALID, /has no parts: UPLOAD/);
  });

  it('names a missing range, at the start or in the middle', () => {
    const without = (...gone: number[]) => all.filter((_, i) => !gone.includes(i));
    refuses(() => assemble(UPLOAD, without(0)), INVALID, /range 0-1048575 was not uploaded/);
    refuses(() => assemble(UPLOAD, without(2, 3)), INVALID, /range 2097152-4194303 was not uploaded/);
  });

  it('names a short part before the last', () => {
    const parts = [partAt(0), partAt(MIB, 5), partAt(2 * MIB)];
    refuses(
      () => assemble(UPLOAD, parts),
      INVALID,
      /part 1048576-1048580 is shorter than the part size, 1048576/,
    );
  });

  it('never takes parts that are not the whole', () => {
    const some = fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, fc.constantFrom(MIB, 1, 17), (chosen, lastSize) => {
        const numbers = [...chosen].sort((a, b) => a - b);
        const parts = numbers.map((n, i) => partAt(n * MIB, i === numbers.length - 1 ? lastSize : MIB));
        const size = parts.reduce((sum, part) => sum + part.size, 0);
        const whole = numbers.every((n, i) => n === i);
        if (whole)
          assert.deepEqual(assemble(UPLOAD, parts), { size, treeHash: treeHash(DATA.subarray(0, size)) });
        else refuses(() => assemble(UPLOAD, parts), INVALID, /was not uploaded/);
      }),
      { seed: 2012 },
    );
  });
});
