import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MIB } from '../../../test/support/pattern.ts';
import { refuses } from '../../../test/support/refusal.ts';
import { parseArchiveSize, parsePartRange, parsePartSize, placePart } from './upload-headers.ts';

const INVALID = 'invalid';
const MISSING = 'missing';
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
