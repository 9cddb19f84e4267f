/** The contract of blob stores as tests; each store runs all of them. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import {
  type AsideBatch,
  type AsideBlob,
  type BlobDigests,
  type BlobLabel,
  BlobMissing,
  type BlobStore,
  StoreFailure,
} from '../../src/domain/blob-store.ts';
import { LEAF_BYTES, TreeHasher } from '../../src/treehash/index.ts';
import { eventually as poll } from './poll.ts';

/** The store under test, empty at first. */
export interface OpenStore {
  readonly store: BlobStore;
  /** Opens a second store over the same bytes, like a restart; absent if nothing outlives the process. */
  reopen?(): Promise<BlobStore>;
  close(): Promise<void>;
}

/** An archive's label, with `changes`. */
export function archiveLabel(changes: Partial<BlobLabel> = {}): BlobLabel {
  return {
    kind: 'archive',
    account: '123456789012',
    region: 'us-east-1',
    vault: 'photos',
    archiveId: 'A'.repeat(138),
    description: 'a summer',
    createdMs: 1_700_000_000_123,
    sequence: 1_740_800_000_125_952,
    offset: 0,
    ...changes,
  };
}

/** The label of one part. */
export function partLabel(offset: number, changes: Partial<BlobLabel> = {}): BlobLabel {
  return archiveLabel({ kind: 'part', uploadId: 'U'.repeat(92), partSize: LEAF_BYTES, offset, ...changes });
}

/** The digests that a store computes of the bytes. */
function digestsOf(bytes: Uint8Array): BlobDigests {
  const hasher = new TreeHasher();
  hasher.update(bytes);
  const { treeHash, leaves } = hasher.digest();
  return {
    size: bytes.length,
    treeHash: Buffer.from(treeHash).toString('hex'),
    linearHash: createHash('sha256').update(bytes).digest('hex'),
    leaves,
  };
}

/** Bytes that depend on `seed` and vary along their length. */
export function someBytes(length: number, seed = 0): Buffer {
  const bytes = Buffer.alloc(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + seed * 101) & 0xff;
  return bytes;
}

/** A store may keep small and large blobs in different ways, so each test runs for both kinds. */
export const SIZES = [
  ['small', 10],
  ['large', 300_000],
] as const;

/** Stores the bytes as one blob, written in chunks of at most `chunkBytes`. */
export async function storeBlob(
  store: BlobStore,
  bytes: Uint8Array,
  label: BlobLabel = archiveLabel(),
  chunkBytes = LEAF_BYTES,
): Promise<string> {
  const writer = await store.create(bytes.length);
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    await writer.write([bytes.subarray(at, at + chunkBytes)]);
  }
  return writer.finish(label);
}

/** Whether the descriptions are equal, whatever kind of byte arrays the leaves are. */
function sameDigests(found: BlobDigests, expected: BlobDigests): void {
  const plain = ({ leaves, ...rest }: BlobDigests) => ({
    ...rest,
    leaves: Buffer.from(leaves).toString('hex'),
  });
  assert.deepEqual(plain(found), plain(expected));
}

/** All items of a list of the store. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Bytes `first`..`last` of a blob, by default all. Asserts that the leaves match. */
export async function readBlob(store: BlobStore, ref: string, first = 0, last?: number): Promise<Buffer> {
  const blob = await store.open(ref);
  try {
    const end = last ?? blob.description.size - 1;
    const from = Math.floor(first / LEAF_BYTES);
    const pieces: Buffer[] = [];
    for await (const { first: leaf, bytes, digests } of blob.leaves(from, Math.floor(end / LEAF_BYTES))) {
      assert.equal(leaf, from + Math.ceil(Buffer.concat(pieces).length / LEAF_BYTES));
      assert.deepEqual(Buffer.from(digests), Buffer.from(digestsOf(bytes).leaves));
      pieces.push(Buffer.from(bytes));
    }
    return Buffer.concat(pieces).subarray(first - from * LEAF_BYTES, end + 1 - from * LEAF_BYTES);
  } finally {
    await blob.close();
  }
}

/** Polls until the condition holds, because a confirmation is not awaited. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  await poll('the condition to hold', holds);
}

/** Runs the contract; `open` returns a fresh, empty store. */
export function blobStoreContract(name: string, open: () => Promise<OpenStore>): void {
  describe(`a blob store: ${name}`, () => {
    let opened: OpenStore;
    before(async () => {
      opened = await open();
    });
    after(() => opened.close());
    const theStore = () => opened.store;
    for (const section of SECTIONS) {
      section(theStore);
    }
    outlivesTheProcess(open);
  });
}

type TheStore = () => BlobStore;

/** Sections of tests. A new method of the port gets a section of its own. */
const SECTIONS: readonly ((store: TheStore) => void)[] = [
  keepsBytes,
  describesBlobs,
  refusesUnfinished,
  removes,
  confirms,
  setsAside,
  keepsCommitNumbers,
  keepsRecords,
  keepsNotes,
];

function keepsBytes(store: TheStore): void {
  for (const length of [100_000, 256 * 1024, 256 * 1024 + 1, LEAF_BYTES, LEAF_BYTES + 1]) {
    it(`returns ${length} bytes as written`, async () => {
      const bytes = someBytes(length);
      const ref = await storeBlob(store(), bytes);
      assert.deepEqual(await readBlob(store(), ref), bytes);
    });
  }

  it('keeps a blob of a single byte', async () => {
    const ref = await storeBlob(store(), Buffer.of(7));
    assert.deepEqual(await readBlob(store(), ref), Buffer.of(7));
  });

  it('accepts a blob in chunks whose buffer is reused', async () => {
    const writer = await store().create(3000);
    const chunk = Buffer.alloc(1000);
    for (let i = 1; i <= 3; i++) await writer.write([chunk.fill(i)]);
    const whole = Buffer.concat([Buffer.alloc(1000, 1), Buffer.alloc(1000, 2), Buffer.alloc(1000, 3)]);
    sameDigests(await writer.digest(), digestsOf(whole));
    const ref = await writer.finish(archiveLabel());
    assert.deepEqual(await readBlob(store(), ref), whole);
  });

  it('accepts a blob whose size is known only at its end', async () => {
    const writer = await store().create(null);
    const bytes = someBytes(2500);
    for (let at = 0; at < bytes.length; at += 1000) await writer.write([bytes.subarray(at, at + 1000)]);
    sameDigests(await writer.digest(), digestsOf(bytes));
    const ref = await writer.finish(archiveLabel());
    assert.equal((await store().describe(ref)).size, 2500);
    assert.deepEqual(await readBlob(store(), ref), bytes);
  });

  it('reads any range, both ends included', async () => {
    const bytes = someBytes(2 * LEAF_BYTES + 5);
    const ref = await storeBlob(store(), bytes);
    const last = bytes.length - 1;
    const ranges: [number, number][] = [
      [0, 0],
      [last, last],
      [LEAF_BYTES - 1, LEAF_BYTES],
      [5, 2 * LEAF_BYTES],
      [LEAF_BYTES, last],
    ];
    for (const [from, to] of ranges) {
      assert.deepEqual(await readBlob(store(), ref, from, to), bytes.subarray(from, to + 1));
    }
  });

  it('lets a reader stop early', async () => {
    const ref = await storeBlob(store(), someBytes(3 * LEAF_BYTES));
    const blob = await store().open(ref);
    for await (const { bytes } of blob.leaves(0, 2)) {
      assert.ok(bytes.length > 0);
      break;
    }
    await blob.close();
    assert.equal((await readBlob(store(), ref, 0, 9)).length, 10);
  });

  it('keeps concurrently written blobs apart', async () => {
    const refs = await Promise.all(
      Array.from({ length: 40 }, (_, i) =>
        storeBlob(store(), someBytes(5000 + i, i), partLabel(i * LEAF_BYTES), 700),
      ),
    );
    assert.equal(new Set(refs).size, 40);
    for (const [i, ref] of refs.entries()) {
      assert.deepEqual(await readBlob(store(), ref), someBytes(5000 + i, i));
      assert.equal((await store().describe(ref)).label.offset, i * LEAF_BYTES);
    }
  });
}

function describesBlobs(store: TheStore): void {
  it('returns the label and hashes of an archive', async () => {
    const bytes = someBytes(2 * LEAF_BYTES + 1);
    const label = archiveLabel({ description: null });
    const ref = await storeBlob(store(), bytes, label);
    const { leaves, writer: _, ...described } = await store().describe(ref);
    const { leaves: expectedLeaves, ...expected } = digestsOf(bytes);
    assert.deepEqual(described, { ...expected, label });
    assert.deepEqual(Buffer.from(leaves), Buffer.from(expectedLeaves));
  });

  it('returns the upload and place of a part', async () => {
    const label = partLabel(3 * LEAF_BYTES, { description: '"\\ ~'.repeat(256) });
    const ref = await storeBlob(store(), someBytes(10), label);
    assert.deepEqual((await store().describe(ref)).label, label);
  });

  it('lists every whole blob once', async () => {
    const known = new Set(await collect(store().list()));
    const stored = await Promise.all([1, 2, 3].map((seed) => storeBlob(store(), someBytes(10, seed))));
    const listed = (await collect(store().list())).filter((ref) => !known.has(ref));
    assert.deepEqual(listed.sort(), stored.sort());
  });
}

function refusesUnfinished(store: TheStore): void {
  const unchanged = async (act: () => Promise<void>) => {
    const [blobs, loose] = [await collect(store().list()), await collect(store().unconfirmed())];
    await act();
    assert.deepEqual((await collect(store().list())).sort(), blobs.sort());
    assert.deepEqual((await collect(store().unconfirmed())).sort(), loose.sort());
  };

  for (const [kind, size] of SIZES) {
    for (const [what, length] of [
      ['short', size - 1],
      ['long', size + 1],
    ] as const) {
      it(`refuses a ${kind} blob that is too ${what}, and keeps none of it`, () =>
        unchanged(async () => {
          const writer = await store().create(size);
          await writer.write([someBytes(length)]);
          await assert.rejects(writer.finish(archiveLabel()), StoreFailure);
        }));
    }

    it(`forgets a discarded ${kind} blob`, () =>
      unchanged(async () => {
        const writer = await store().create(size);
        await writer.write([someBytes(size)]);
        await writer.discard();
      }));

    it(`shows no ${kind} blob before it is finished`, async () => {
      const writer = await store().create(size);
      await unchanged(() => writer.write([someBytes(size)]));
      await writer.discard();
    });
  }
}

function removes(store: TheStore): void {
  for (const [kind, size] of SIZES) {
    it(`removes a ${kind} blob; a repeated removal succeeds`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      await store().remove(ref);
      await store().remove(ref);
      assert.ok(!(await collect(store().list())).includes(ref));
      await assert.rejects(store().describe(ref), BlobMissing);
    });

    it(`reports a missing ${kind} blob before the first byte`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      await store().remove(ref);
      await assert.rejects(store().describe(ref), BlobMissing);
      await assert.rejects(store().open(ref), BlobMissing);
    });

    it(`keeps the other blobs when a ${kind} blob is removed and when space is freed`, async () => {
      const [gone, kept] = [
        await storeBlob(store(), someBytes(size)),
        await storeBlob(store(), someBytes(size + 10)),
      ];
      await store().remove(gone);
      assert.deepEqual(await readBlob(store(), kept), someBytes(size + 10));
      await store().compact();
      assert.deepEqual(await readBlob(store(), kept), someBytes(size + 10));
      await assert.rejects(store().describe(gone), BlobMissing);
    });
  }

  it('has no blob under an unknown reference', async () => {
    for (const missing of [
      'nonsense',
      '../format.json',
      '',
      `${'0'.repeat(32)}.64`,
      `${'0'.repeat(32)}.-1`,
    ]) {
      await assert.rejects(store().describe(missing), BlobMissing);
      await assert.rejects(store().open(missing), BlobMissing);
    }
  });
}

function confirms(store: TheStore): void {
  const isLoose = async (ref: string) => (await collect(store().unconfirmed())).includes(ref);

  for (const [kind, size] of SIZES) {
    it(`lists a ${kind} blob as unconfirmed until it is confirmed`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      assert.equal(await isLoose(ref), true);
      store().confirm(ref);
      await eventually(async () => !(await isLoose(ref)));
      assert.deepEqual(await readBlob(store(), ref), someBytes(size));
    });

    it(`accepts a repeated confirmation of a ${kind} blob, and one of a removed blob`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      for (let i = 0; i < 2; i++) store().confirm(ref);
      await store().remove(ref);
      store().confirm(ref);
      await eventually(async () => !(await isLoose(ref)));
    });

    it(`does not list a removed ${kind} blob as unconfirmed`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      await store().remove(ref);
      assert.equal(await isLoose(ref), false);
    });
  }
}

function keepsRecords(store: TheStore): void {
  const found = async (type: string) =>
    (await collect(store().journalEntries()))
      .filter(({ body }) => body['type'] === type)
      .map(({ seq, body }) => ({ seq, body }))
      .sort((a, b) => a.seq - b.seq);

  it('returns the appended entries', async () => {
    const records = [
      { seq: 1, body: { type: 'plain', at: 5, none: null, list: [1, 'two'] } },
      { seq: 2, body: { type: 'plain', text: '"quoted"\n\r\u2028\u2029\0 and ünïcode 🗻' } },
    ];
    await store().appendEntries(records);
    assert.deepEqual(await found('plain'), records);
  });

  it('has every entry of concurrent appends', async () => {
    const records = Array.from({ length: 100 }, (_, i) => ({ seq: 1000 + i, body: { type: 'many', i } }));
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => store().appendEntries(records.slice(2 * i, 2 * i + 2))),
    );
    assert.deepEqual(await found('many'), records);
  });

  it('accepts an empty append', async () => {
    await store().appendEntries([]);
    assert.deepEqual(await found('nothing'), []);
  });

  it('returns the greatest number of its entries, in whatever order they were appended', async () => {
    for (const seq of [5005, 9009, 7007]) await store().appendEntries([{ seq, body: {} }]);
    assert.equal(await store().lastEntrySeq(), 9009);
  });

  it('reports no failure after successful appends', () => {
    assert.equal(store().failure(), undefined);
  });
}

function setsAside(store: TheStore): void {
  const aside = (ref: string): AsideBlob => {
    const { kind, account, region, vault, archiveId, createdMs } = archiveLabel();
    return { ref, size: 10, kind, account, region, vault, archiveId, createdMs };
  };

  for (const [kind, size] of SIZES) {
    it(`sets a ${kind} blob aside: it is readable and listed as aside, and no longer as unconfirmed`, async () => {
      const ref = await storeBlob(store(), someBytes(size));
      await store().setAside([aside(ref)], 5000);
      const [batch] = await collect(store().listAside());
      assert.deepEqual([batch?.asideMs, batch?.blobs], [5000, [aside(ref)]]);
      await eventually(async () => !(await collect(store().unconfirmed())).includes(ref));
      assert.deepEqual(await readBlob(store(), ref), someBytes(size));
      assert.ok((await collect(store().list())).includes(ref));
      await store().dropAside(batch as AsideBatch);
      assert.deepEqual(await collect(store().listAside()), []);
    });
  }

  it('lists all blobs set aside, in order of time', async () => {
    const many = Array.from({ length: 1500 }, (_, i) => aside(`${'0'.repeat(32)}.${i * 64}`));
    await store().setAside(many.slice(1000), 20_000);
    await store().setAside(many.slice(0, 1000), 9000);
    const batches = await collect(store().listAside());
    assert.deepEqual(
      batches.flatMap(({ blobs }) => blobs),
      many,
    );
    for (const batch of batches) await store().dropAside(batch);
    await store().setAside([], 1);
    assert.deepEqual(await collect(store().listAside()), []);
  });
}

function keepsCommitNumbers(store: TheStore): void {
  it('returns the commit number that was noted last', async () => {
    for (const number of [7, 1_000_000_007]) {
      await store().noteCommitNumber(number);
      assert.equal(await store().lastCommitNumber(), number);
    }
  });
}

function keepsNotes(store: TheStore): void {
  it('keeps a note until it is replaced or removed', async () => {
    assert.equal(await store().note('note-1'), undefined);
    for (const text of ['', 'a text\nof two lines', 'ünïcode 🗻 \u2028']) {
      await store().putNote('note-1', text);
      assert.equal(await store().note('note-1'), text);
    }
    for (let i = 0; i < 2; i++) await store().removeNote('note-1');
    assert.equal(await store().note('note-1'), undefined);
  });

  it('lists the names of notes with a prefix', async () => {
    for (const name of ['lock-1', 'lock-2', 'key-1']) await store().putNote(name, name);
    assert.deepEqual([...(await store().noteNames('lock-'))].sort(), ['lock-1', 'lock-2']);
    await store().removeNote('lock-1');
    assert.deepEqual(await store().noteNames('lock-'), ['lock-2']);
  });

  it('keeps the whole text of one writer when a note is put concurrently', async () => {
    const texts = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1000));
    await Promise.all(texts.map((text) => store().putNote('busy', text)));
    assert.ok(texts.includes((await store().note('busy')) ?? ''));
    assert.deepEqual(await store().noteNames('busy'), ['busy']);
  });
}

function outlivesTheProcess(open: () => Promise<OpenStore>): void {
  for (const [kind, size] of SIZES) {
    it(`keeps ${kind} blobs, entries and the list of unconfirmed blobs when reopened`, async (t) => {
      const opened = await open();
      t.after(() => opened.close());
      if (!opened.reopen) return; // Nothing to test: this store declares that its blobs end with the process.
      const [kept, loose, gone] = [
        await storeBlob(opened.store, someBytes(size)),
        await storeBlob(opened.store, someBytes(size + 10)),
        await storeBlob(opened.store, someBytes(size + 20)),
      ];
      opened.store.confirm(kept);
      await opened.store.remove(gone);
      await opened.store.appendEntries([{ seq: 1, body: { type: 'kept' } }]);

      const again = await opened.reopen();
      assert.deepEqual((await collect(again.list())).sort(), [kept, loose].sort());
      await eventually(async () => (await collect(again.unconfirmed())).join() === loose);
      const records = (await collect(again.journalEntries())).map(({ seq, body }) => ({ seq, body }));
      assert.deepEqual(records, [{ seq: 1, body: { type: 'kept' } }]);
      assert.deepEqual(await readBlob(again, kept), someBytes(size));
      await assert.rejects(again.describe(gone), BlobMissing);
      await again.close();
    });

    it(`does not list ${kind} blobs as unconfirmed after they were confirmed or removed`, async (t) => {
      const opened = await open();
      t.after(() => opened.close());
      if (!opened.reopen) return;
      const [named, unnamed] = [
        await storeBlob(opened.store, someBytes(size)),
        await storeBlob(opened.store, someBytes(size + 10)),
      ];
      const judging = await opened.reopen();
      assert.deepEqual((await collect(judging.unconfirmed())).sort(), [named, unnamed].sort());
      judging.confirm(named);
      await judging.remove(unnamed);
      await judging.confirmAll();
      await eventually(async () => (await collect(judging.unconfirmed())).length === 0);
      const again = await opened.reopen();
      assert.deepEqual(await collect(again.unconfirmed()), []);
      assert.deepEqual(await collect(again.list()), [named]);
      await judging.close();
      await again.close();
    });
  }
}
