import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  decodeHeader,
  decodeRemovals,
  decodeTable,
  encodeHeader,
  encodeRemoval,
  encodeTable,
  HEADER_BYTES,
  hasRemoval,
  type PackRecord,
  REMOVAL_BYTES,
  recordBytes,
  searchTable,
  tableBytes,
  tableSize,
} from './format.ts';

const hex = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const place = fc.nat({ max: 2 ** 47 });
const record: fc.Arbitrary<PackRecord> = fc.record(
  { place, blobBytes: fc.nat({ max: 2 ** 31 }) },
  { noNullPrototype: true },
);

/** The bytes with one bit flipped. */
function flipped(bytes: Buffer, bit: number): Buffer {
  const copy = Buffer.from(bytes);
  const at = bit % (8 * bytes.length);
  copy[at >> 3] = (copy[at >> 3] ?? 0) ^ (1 << (at & 7));
  return copy;
}

describe('the header of a packed blob', () => {
  it('decodes to what was encoded, but not under another pack’s name', () => {
    fc.assert(
      fc.property(hex, hex, record, (pack, other, one) => {
        const header = encodeHeader(pack, one);
        assert.equal(header.length, HEADER_BYTES);
        assert.deepEqual(decodeHeader(pack, header), one);
        if (other !== pack) assert.equal(decodeHeader(other, header), undefined);
      }),
    );
  });

  it('is rejected with any bit flipped, or truncated', () => {
    const header = encodeHeader('ab'.repeat(16), { place: 4096, blobBytes: 700 });
    for (let bit = 0; bit < 8 * header.length; bit++)
      assert.equal(decodeHeader('ab'.repeat(16), flipped(header, bit)), undefined, `bit ${bit}`);
    for (let length = 0; length < header.length; length++)
      assert.equal(decodeHeader('ab'.repeat(16), header.subarray(0, length)), undefined);
  });

  it('is followed by the next at a multiple of 64', () => {
    for (const [blob, bytes] of [
      [0, 64],
      [1, 128],
      [64, 128],
      [65, 192],
    ] as const)
      assert.equal(recordBytes(blob), bytes);
  });
});

describe('the table of a compacted pack', () => {
  const entries = fc.uniqueArray(place, { maxLength: 200 });
  const tableOf = (places: readonly number[]) =>
    new Map([...places].sort((a, b) => a - b).map((one, i) => [one, i * 64] as const));

  it('returns the position of each record, decoded whole or searched', () => {
    fc.assert(
      fc.property(entries, place, (places, other) => {
        const table = tableOf(places);
        const bytes = encodeTable(table);
        assert.equal(bytes.length, tableBytes(table.size));
        assert.equal(bytes.length % 64, 0);
        assert.equal(tableSize(bytes), table.size);
        assert.deepEqual(decodeTable(Buffer.concat([bytes, Buffer.alloc(64, 1)])), table);
        for (const one of [...places, other]) assert.equal(searchTable(bytes, one), table.get(one));
      }),
    );
  });

  it('is rejected with any bit flipped, or truncated; searching it never throws', () => {
    const bytes = encodeTable(tableOf([0, 128, 4096]));
    const meant = 16 + 3 * 16 + 32;
    for (let bit = 0; bit < 8 * meant; bit++) assert.equal(decodeTable(flipped(bytes, bit)), undefined);
    for (let length = 0; length < bytes.length; length++)
      assert.equal(decodeTable(bytes.subarray(0, length)), undefined);
    for (let bit = 8 * 16; bit < 8 * meant; bit++) searchTable(flipped(bytes, bit), 128);
  });
});

describe('the list of removed records', () => {
  const records = fc.uniqueArray(record, { selector: (one) => one.place, maxLength: 50 });
  const listOf = (pack: string, some: readonly PackRecord[]) =>
    Buffer.concat(some.map((one) => encodeRemoval(pack, one)));

  it('names the added records', () => {
    fc.assert(
      fc.property(hex, records, place, (pack, removed, other) => {
        const list = listOf(pack, removed);
        const expected = new Map(removed.map((one) => [one.place, one.blobBytes]));
        assert.deepEqual(decodeRemovals(pack, list), expected);
        for (const one of [...expected.keys(), other])
          assert.equal(hasRemoval({ pack, place: one }, list), expected.has(one));
      }),
    );
  });

  it('names no other record, whichever bits are flipped and wherever it is truncated', () => {
    fc.assert(
      fc.property(hex, records, fc.nat(), fc.nat(), (pack, removed, bit, cut) => {
        const list = listOf(pack, removed);
        if (list.length === 0) return;
        const torn = flipped(list, bit).subarray(0, cut % (list.length + 1));
        for (const [one, blobBytes] of decodeRemovals(pack, Buffer.concat([torn, Buffer.alloc(64)])))
          assert.ok(removed.some((known) => known.place === one && known.blobBytes === blobBytes));
      }),
    );
  });

  it('names no record under another pack’s name', () => {
    const list = listOf('ab'.repeat(16), [{ place: 0, blobBytes: 700 }]);
    assert.equal(list.length, REMOVAL_BYTES);
    assert.equal(decodeRemovals('cd'.repeat(16), list).size, 0);
  });
});
