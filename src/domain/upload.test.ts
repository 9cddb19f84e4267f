import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { MIB, patternBytes } from '../../test/support/pattern.ts';
import { refuses } from '../../test/support/refusal.ts';
import { treeHash } from '../treehash/index.ts';
import {
  assemble,
  type Part,
  parseArchiveSize,
  parsePartRange,
  parsePartSize,
  placePart,
  requireSameDeclaration,
  type Upload,
} from './upload.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const GIB = 1024 * MIB;

describe('the part size of an upload', () => {
  it('is 1 MiB times a power of two, up to 4 GiB', () => {
    for (let size = MIB; size <= 4 * GIB; size *= 2) assert.equal(parsePartSize(String(size)), size);
  });

  it('is refused in the words of the service otherwise', () => {
    const odd = [
      '0',
      '1',
      '10485760',
      '10485759',
      '17179869184',
      '524288',
      '1048577',
      '8589934592',
      '-1048576',
    ];
    odd.push('', '1048576.0', '1e6', '1 MiB', '0x100000', ' 1048576', '1048576,1048576');
    for (const raw of odd) {
      refuses(
        () => parsePartSize(raw),
        INVALID,
        `Invalid part size: ${raw}. Part size must not be null, must be a power of two and be between 1048576 and 4294967296 bytes.`,
      );
    }
    refuses(() => parsePartSize(undefined), INVALID, /^Invalid part size: null\. /);
  });
});

describe('the archive size at Complete', () => {
  it('is 1 byte to ten thousand times 4 GiB', () => {
    assert.equal(parseArchiveSize('1'), 1);
    assert.equal(parseArchiveSize('42949672960000'), 42_949_672_960_000);
  });

  it('is refused otherwise', () => {
    for (const raw of ['0', '-1', '42949672960001', '1.5', '1e3', 'x', ' 1', '9'.repeat(30)]) {
      refuses(() => parseArchiveSize(raw), INVALID, `Invalid x-amz-archive-size: ${raw}`);
    }
  });

  it('must be there', () => {
    for (const raw of [undefined, '']) {
      refuses(() => parseArchiveSize(raw), MISSING, 'Required parameter missing: x-amz-archive-size');
    }
  });
});

describe('the range of a part', () => {
  it('is understood with a star or a whole length after the slash', () => {
    const header = 'bytes 0-4194303/*';
    assert.deepEqual(parsePartRange(header), { first: 0, last: 4_194_303, header });
    assert.equal(parsePartRange('bytes 1048576-2097151/2097152').last, 2_097_151);
    assert.equal(parsePartRange('bytes 42945377992704-42949672959999/*').last, 42_949_672_959_999);
  });

  it('is refused when it is empty, beyond the length it names, or of another form', () => {
    const odd = [
      'bytes 909994937-909994936/*',
      'bytes=0-4194303/*',
      'bytes 0-4194303',
      '0-4194303/*',
      'bytes */*',
    ];
    odd.push(
      'bytes 0-10/10',
      'bytes 0-10/5',
      'bytes -1-5/*',
      'bytes 0 - 5/*',
      'Bytes 0-5/*',
      'bytes 0-5/**',
      'x',
    );
    odd.push('bytes 0-5/*, bytes 0-5/*', 'bytes 0-9999999999999999999999/*', 'bytes 0.0-5/*', 'bytes 0-5/* ');
    for (const raw of odd) refuses(() => parsePartRange(raw), INVALID, `Invalid Content-Range: ${raw}`);
  });
});

describe('placing a part', () => {
  const place = (header: string, length: number, partSize = 4 * MIB) =>
    placePart(parsePartRange(header), length, partSize);

  it('takes a whole part, a short one anywhere, and the last one there can be', () => {
    place('bytes 0-4194303/*', 4 * MIB);
    place('bytes 4194304-4194304/*', 1);
    place(`bytes ${9999 * MIB}-${10_000 * MIB - 1}/*`, MIB, MIB);
    place(`bytes ${9999 * 4 * GIB}-${10_000 * 4 * GIB - 1}/*`, 4 * GIB, 4 * GIB);
  });

  it('compares the range with the length first', () => {
    const text = 'Content-Range: bytes 0-4194303/* is incompatible with Content-Length: 3146447';
    refuses(() => place('bytes 0-4194303/*', 3_146_447), INVALID, text);
    refuses(() => place('bytes 1-4/*', 5), INVALID, /^Content-Range: bytes 1-4\/\* is incompatible/);
  });

  it('refuses a first byte that is no multiple of the part size', () => {
    refuses(() => place('bytes 1-5/*', 5), INVALID, /^Invalid Content-Range: bytes 1-5\/\*/);
    refuses(() => place(`bytes ${MIB}-${2 * MIB - 1}/*`, MIB), INVALID, /^Invalid Content-Range/);
  });

  it('refuses a part longer than the part size', () => {
    refuses(() => place(`bytes 0-${4 * MIB}/*`, 4 * MIB + 1), INVALID, /^Invalid Content-Range/);
  });

  it('refuses the part after the ten thousandth', () => {
    const text =
      'This is part number 10001 for the current multipart upload. It exceeds the limit of 10000 parts.';
    refuses(() => place(`bytes ${10_000 * MIB}-${10_001 * MIB - 1}/*`, MIB, MIB), INVALID, text);
    refuses(() => place(`bytes ${10_000 * 4 * GIB}-${10_000 * 4 * GIB}/*`, 1, 4 * GIB), INVALID, text);
  });
});

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

  it('gives the tree hash of the whole for any part size', () => {
    assert.equal(assemble(UPLOAD, all, DATA.length), treeHash(DATA));
    const double = [partAt(0, 2 * MIB), partAt(2 * MIB, 2 * MIB), partAt(4 * MIB, 2 * MIB)];
    assert.equal(assemble({ ...UPLOAD, partSize: 2 * MIB }, double, DATA.length), treeHash(DATA));
    assert.equal(assemble(UPLOAD, [partAt(0, 1)], 1), treeHash(DATA.subarray(0, 1)));
  });

  it('says that there are no parts', () => {
    refuses(() => assemble(UPLOAD, [], 1), INVALID, /has no parts: UPLOAD/);
  });

  it('names a missing range, at the start or in the middle', () => {
    const without = (...gone: number[]) => all.filter((_, i) => !gone.includes(i));
    refuses(() => assemble(UPLOAD, without(0), DATA.length), INVALID, /range 0-1048575 was not uploaded/);
    refuses(
      () => assemble(UPLOAD, without(2, 3), DATA.length),
      INVALID,
      /range 2097152-4194303 was not uploaded/,
    );
  });

  it('names a short part before the last', () => {
    const parts = [partAt(0), partAt(MIB, 5), partAt(2 * MIB)];
    refuses(
      () => assemble(UPLOAD, parts, 3 * MIB),
      INVALID,
      /part 1048576-1048580 is shorter than the part size, 1048576/,
    );
  });

  it('says that the size is another, be it too small or too large', () => {
    for (const claim of [1, DATA.length - 1, DATA.length + 1]) {
      const text = `Invalid x-amz-archive-size: ${claim}. The uploaded parts hold ${DATA.length} bytes, 0-${DATA.length - 1}.`;
      refuses(() => assemble(UPLOAD, all, claim), INVALID, text);
    }
  });

  it('never takes parts that are not the whole', () => {
    const some = fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(some, fc.constantFrom(MIB, 1, 17), (chosen, lastSize) => {
        const numbers = [...chosen].sort((a, b) => a - b);
        const parts = numbers.map((n, i) => partAt(n * MIB, i === numbers.length - 1 ? lastSize : MIB));
        const size = parts.reduce((sum, part) => sum + part.size, 0);
        const whole = numbers.every((n, i) => n === i);
        if (whole) assert.equal(assemble(UPLOAD, parts, size), treeHash(DATA.subarray(0, size)));
        else refuses(() => assemble(UPLOAD, parts, size), INVALID, /was not uploaded/);
      }),
      { seed: 2012 },
    );
  });
});

describe('a repeat of a Complete', () => {
  const done = { size: 5, treeHash: 'a'.repeat(64) };

  it('must claim the same', () => {
    requireSameDeclaration(done, { ...done }, done.treeHash);
    refuses(
      () => requireSameDeclaration(done, { ...done, size: 6 }, done.treeHash),
      INVALID,
      /^Invalid x-amz-archive-size: 6\. /,
    );
    const sent = 'B'.repeat(64);
    const other = { ...done, treeHash: 'b'.repeat(64) };
    const text = `Invalid x-amz-sha256-tree-hash: ${sent} The upload was completed with the tree hash ${done.treeHash}.`;
    refuses(() => requireSameDeclaration(done, other, sent), INVALID, text);
  });
});
