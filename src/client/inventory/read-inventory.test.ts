import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { collect } from '../../../test/support/blob-store-contract.ts';
import { inventoryWriter } from '../../domain/inventory.ts';
import type { InventoryEntry } from './entry.ts';
import { readInventory } from './read-inventory.ts';

type Format = 'JSON' | 'CSV';

const HASH = '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd';
const DATE_MS = Date.UTC(2026, 0, 2, 3, 4, 5);

const entry = fc.record({
  id: fc.stringMatching(/^[A-Za-z0-9_-]{1,20}$/),
  description: fc.stringMatching(/^[ -~]{0,30}$/),
  createdMs: fc.constant(DATE_MS),
  size: fc.integer({ min: 1, max: 2 ** 45 }),
  treeHash: fc.constant<string>(HASH),
});
type Written = typeof entry extends fc.Arbitrary<infer T> ? T : never;

/** An inventory as the server writes it. */
function written(format: Format, entries: readonly Written[]): Buffer {
  const writer = inventoryWriter(format);
  const texts = entries.map((one, index) => writer.entry({ ...one, no: index } as never, index === 0));
  return Buffer.from(
    `${writer.head('arn:aws:glacier:r:1:vaults/"{[', DATE_MS)}${texts.join('')}${writer.tail()}`,
  );
}

async function* chunks(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array | string, format: Format, size = 7): Promise<InventoryEntry[]> {
  return collect(readInventory(chunks(Buffer.from(bytes), size), format));
}

describe('readInventory', () => {
  for (const format of ['JSON', 'CSV'] as const) {
    it(`reads what the server writes in ${format}, wherever it is cut`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(entry, { maxLength: 8 }),
          fc.integer({ min: 1, max: 200 }),
          async (all, size) => {
            const expected = all.map(({ id, description, size: bytes }) => ({
              archiveId: id,
              archiveDescription: description,
              creationDate: '2026-01-02T03:04:05Z',
              size: bytes,
              treeHash: HASH,
            }));
            assert.deepEqual(await read(written(format, all), format, size), expected);
          },
        ),
        { seed: 2012 },
      );
    });

    it(`finds every cut of an inventory in ${format}, except one between two lines`, async () => {
      const one = { id: 'a', description: 'x"\\', createdMs: DATE_MS, size: 1, treeHash: HASH };
      const whole = written(format, [one, one]);
      for (let end = 0; end < whole.length; end++) {
        if (format === 'CSV' && whole[end - 1] === 0x0a) continue;
        await assert.rejects(read(whole.subarray(0, end), format), Error, `${end} bytes`);
      }
    });
  }

  it('reads spaces, other members and characters that take several bytes', async () => {
    const text = `{ "Other": [{"ArchiveList": [1]}], "ArchiveList" : [\n {"ArchiveId": "a",
      "More": {"Deep": ["}"]}, "ArchiveDescription": "Zoë \\"\\u20ac", "Size": 3, "SHA256TreeHash": "h"}\n], "x": {} }`;
    for (const size of [1, 2, 1000]) {
      const [only, ...others] = await read(text, 'JSON', size);
      assert.deepEqual([only?.archiveId, only?.archiveDescription, only?.size], ['a', 'Zoë "€', 3]);
      assert.equal(others.length, 0);
    }
  });

  it('names what is no inventory', async () => {
    await assert.rejects(read('', 'CSV'), /^Error: the inventory is empty/);
    await assert.rejects(read('<html>\n', 'CSV'), /^Error: line 1 of the inventory must be ArchiveId,/);
    await assert.rejects(
      read('ArchiveId,ArchiveDescription,CreationDate,Size,SHA256TreeHash\na,b\n', 'CSV'),
      /^Error: line 2 of the inventory is no archive: "a,b"$/,
    );
    await assert.rejects(read('{}', 'JSON'), /^Error: the inventory has 0 lists/);
    await assert.rejects(
      read('{"ArchiveList":[{"Size":1}]}', 'JSON'),
      /^Error: an entry of the inventory is no archive/,
    );
    await assert.rejects(read(']', 'JSON'), /more ends than beginnings/);
  });

  it('refuses an entry without an end, instead of keeping all of it', async () => {
    async function* endless(start: string): AsyncIterable<Uint8Array> {
      yield Buffer.from(start);
      for (;;) yield Buffer.alloc(65_536, 'a');
    }
    const starts = { JSON: '{"ArchiveList":[{"ArchiveId":"', CSV: '' };
    for (const format of ['JSON', 'CSV'] as const)
      await assert.rejects(collect(readInventory(endless(starts[format]), format)), /is too long/);
  });
});
