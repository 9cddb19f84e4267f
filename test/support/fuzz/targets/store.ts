/** The binary records of the store's form. Each target also runs its input with the checksums put right. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import {
  decodeFooter,
  decodeTrailer,
  encodeTrailer,
  FOOTER_BYTES,
} from '../../../../src/blobs/blob/format.ts';
import { packedRef, parseRef } from '../../../../src/blobs/disk/paths.ts';
import {
  decodeHeader,
  decodeRemovals,
  decodeTable,
  encodeHeader,
  encodeRemoval,
  encodeTable,
  HEADER_BYTES,
  hasRemoval,
  type PackTable,
  REMOVAL_BYTES,
  searchTable,
  tableBytes,
  tableSize,
} from '../../../../src/blobs/packs/format.ts';
import { parseMarker } from '../../../../src/blobs/packs/marker.ts';
import {
  BlobDamaged,
  type BlobDescription,
  type BlobLabel,
  BlobMissing,
} from '../../../../src/domain/blob-store.ts';
import { DIGEST_BYTES, foldDigests, leafCount } from '../../../../src/treehash/index.ts';
import { type FuzzTarget, outcomeOf } from '../target.ts';

const REF = 'ab'.repeat(16);
const PACK = 'cd'.repeat(16);

function sha256(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer');
}

const LABEL: BlobLabel = {
  kind: 'archive',
  account: '111122223333',
  region: 'us-east-1',
  vault: 'v',
  archiveId: 'a',
  description: 'd',
  createdMs: 1_700_000_000_000,
} as unknown as BlobLabel;

/** A whole blob. */
function blobOf(text: string, label: unknown = LABEL): Buffer {
  const data = Buffer.from(text);
  const leaves = sha256(data);
  const digests = {
    treeHash: leaves.toString('hex'),
    linearHash: leaves.toString('hex'),
    leaves,
    size: data.length,
  };
  return Buffer.concat([
    data,
    encodeTrailer(label as BlobLabel, digests, { commitNumber: 7, generation: 2 }),
  ]);
}

/** Version 1 has no extension. */
function olderBlob(): Buffer {
  const blob = blobOf('older');
  const footer = Buffer.from(blob.subarray(-FOOTER_BYTES));
  footer.writeUInt32LE(1, 8);
  footer.writeUInt16LE(0, 30);
  return withSums(Buffer.concat([blob.subarray(0, -FOOTER_BYTES - 16), footer]));
}

/** The blob with the checksum that its footer and trailer should have, and the tree hash that its leaves fold to. */
function withSums(blob: Buffer): Buffer {
  const layout = outcomeOf(() => decodeFooter(REF, blob.subarray(-FOOTER_BYTES), blob.length), BlobDamaged);
  if (layout === undefined) return blob;
  const fixed = Buffer.from(blob);
  const trailer = fixed.subarray(-layout.trailerBytes);
  const leaves = trailer.subarray(0, leafCount(layout.size) * DIGEST_BYTES);
  const at = trailer.indexOf('"treeHash":"', leaves.length);
  if (at > 0) trailer.write(Buffer.from(foldDigests(leaves)).toString('hex'), at + '"treeHash":"'.length);
  sha256(trailer.subarray(0, -32)).copy(trailer, trailer.length - 32);
  return fixed;
}

function describe(blob: Buffer): BlobDescription | undefined {
  return outcomeOf(() => {
    const layout = decodeFooter(REF, blob.subarray(-FOOTER_BYTES), blob.length);
    assert.equal(layout.size + layout.trailerBytes, blob.length);
    return decodeTrailer(REF, blob.subarray(-layout.trailerBytes), layout);
  }, BlobDamaged);
}

/** Footer, trailer and label. */
export const blobForm: FuzzTarget = {
  name: 'blob',
  seeds: [blobOf('data'), blobOf('x', {}), olderBlob(), blobOf('')],
  dictionary: [
    'MORAINE\0',
    '{}',
    '{',
    '}',
    'null',
    '"treeHash":"',
    '"linearHash":',
    '"',
    ',',
    '\\',
    Buffer.alloc(32),
  ],
  run(input) {
    for (const blob of [input, withSums(input)]) {
      const described = describe(blob);
      if (described === undefined) continue;
      const { label, size, treeHash, leaves, writer } = described;
      assert.equal(leaves.length, leafCount(size) * DIGEST_BYTES);
      assert.equal(treeHash, Buffer.from(foldDigests(leaves)).toString('hex'));
      if (writer === undefined || !Number.isSafeInteger(writer.commitNumber + writer.generation)) continue;
      const again = Buffer.concat([blob.subarray(0, size), encodeTrailer(label, described, writer)]);
      assert.deepEqual(describe(again), described, 'what was decoded encodes to another blob');
    }
  },
};

const RECORD = { place: 4096, blobBytes: 700 };
const TABLE: PackTable = new Map([
  [0, 128],
  [64, 256],
  [640, 1024],
]);

/** The bytes with the checksum at this place put right, if they are long enough. */
function withSumAt(bytes: Buffer, at: number, sum: Buffer): Buffer {
  const fixed = Buffer.from(bytes);
  if (at + sum.length <= fixed.length) sum.copy(fixed, at);
  return fixed;
}

/** Headers of records in a pack. */
export const packHeader: FuzzTarget = {
  name: 'pack-header',
  seeds: [
    encodeHeader(PACK, RECORD),
    encodeHeader(PACK, { place: 0, blobBytes: 0 }),
    encodeHeader(REF, RECORD),
  ],
  dictionary: ['MORPACK\0', 'MORTABL\0', Buffer.from(PACK, 'hex'), Buffer.from(REF, 'hex')],
  run(input) {
    for (const bytes of [input, withSumAt(input, 48, sha256(input.subarray(0, 48)).subarray(0, 16))]) {
      const record = decodeHeader(PACK, bytes);
      if (record === undefined || !areExact(record.place, record.blobBytes)) continue;
      const again = encodeHeader(PACK, record);
      assert.equal(again.length, HEADER_BYTES);
      assert.deepEqual(decodeHeader(PACK, again), record);
    }
  },
};

/** Whether JavaScript counts them exactly: the store writes no other numbers. */
function areExact(...numbers: readonly number[]): boolean {
  return numbers.every(Number.isSafeInteger);
}

/** Tables of compacted packs. */
export const packTable: FuzzTarget = {
  name: 'pack-table',
  seeds: [encodeTable(TABLE), encodeTable(new Map()), encodeTable(new Map([...TABLE, [2 ** 40, 2 ** 41]]))],
  dictionary: ['MORTABL\0', 'MORPACK\0', Buffer.alloc(64)],
  run(input) {
    const size = tableSize(input) ?? 0;
    const end = 16 + size * 16;
    for (const bytes of [input, withSumAt(input, end, sha256(input.subarray(0, end)))]) {
      // Readers search a table before they verify it, once it is there in full.
      if (bytes.length >= tableBytes(size)) for (const place of TABLE.keys()) searchTable(bytes, place);
      const table = decodeTable(bytes);
      if (table === undefined || !isAscending([...table.keys()]) || table.size !== size) continue;
      if (!areExact(...table.keys(), ...table.values())) continue;
      assert.deepEqual(encodeTable(table).subarray(0, end), bytes.subarray(0, end));
      for (const [place, position] of table) assert.equal(searchTable(bytes, place), position);
    }
  },
};

function isAscending(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || (numbers[i - 1] as number) < number);
}

/** Lists of removals. */
export const packRemovals: FuzzTarget = {
  name: 'pack-removals',
  seeds: [
    encodeRemoval(PACK, RECORD),
    Buffer.concat([
      encodeRemoval(PACK, RECORD),
      Buffer.alloc(7),
      encodeRemoval(PACK, { place: 64, blobBytes: 1 }),
    ]),
  ],
  dictionary: [encodeRemoval(PACK, { place: 2 ** 40, blobBytes: 9 }), Buffer.alloc(16)],
  run(input) {
    for (const bytes of [input, withRemovalSums(input)]) {
      const removed = decodeRemovals(PACK, bytes);
      assert.ok(removed.size <= bytes.length / REMOVAL_BYTES);
      if (!areExact(...removed.keys())) continue;
      for (const place of removed.keys())
        assert.ok(hasRemoval({ pack: PACK, place }, bytes), `${place} is missing`);
      const again = [...removed].map(([place, blobBytes]) => encodeRemoval(PACK, { place, blobBytes }));
      assert.deepEqual(decodeRemovals(PACK, Buffer.concat(again)), removed);
    }
  },
};

function withRemovalSums(list: Buffer): Buffer {
  const fixed = Buffer.from(list);
  const name = crc32(Buffer.from(PACK, 'hex'));
  for (let at = 0; at + REMOVAL_BYTES <= fixed.length; at += REMOVAL_BYTES)
    fixed.writeUInt32LE(crc32(fixed.subarray(at, at + 12), name), at + 12);
  return fixed;
}

/** References and markers. */
export const storeNames: FuzzTarget = {
  name: 'store-names',
  seeds: [REF, `${PACK}.0`, `${PACK}.4096`, '4096'.padStart(20, '0')].map((text) => Buffer.from(text)),
  dictionary: ['.', '0', '/', '..', REF, '9'.repeat(15), '0'.repeat(20)],
  run(input) {
    const text = input.toString('latin1');
    const name = outcomeOf(() => parseRef(text), BlobMissing);
    if (name !== undefined) assert.equal('name' in name ? name.name : packedRef(name), text);
    const place = parseMarker(text);
    assert.ok(place >= 0 && place % 64 === 0, `${place}`);
  },
};
