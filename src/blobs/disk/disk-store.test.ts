import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  appendFile,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  archiveLabel,
  blobStoreContract,
  collect,
  eventually,
  partLabel,
  readBlob,
  SIZES,
  someBytes,
  storeBlob,
} from '../../../test/support/blob-store-contract.ts';
import { CountedSpace } from '../../../test/support/counted-space.ts';
import { incoming, packFiles, readyFolder, storeOver } from '../../../test/support/disk-store.ts';
import { beforeFiles, diskError, failFiles } from '../../../test/support/failing-disk.ts';
import { temporaryFolder } from '../../../test/support/server.ts';
import { BlobDamaged, type BlobLabel, NO_STAMP, StoreFailure } from '../../domain/blob-store.ts';
import { FolderFlusher } from '../../durable/folder-flusher.ts';
import { nodeHash } from '../../hashing/node-hash.ts';
import { DIGEST_BYTES, foldDigests, LEAF_BYTES, leafCount } from '../../treehash/index.ts';
import { decodeFooter, decodeTrailer, encodeTrailer, FOOTER_BYTES } from '../blob/format.ts';
import { DiskStore, PACKED_BYTES } from './disk-store.ts';
import { prepareDiskStore } from './prepare.ts';

blobStoreContract('disk', async () => {
  const folder = await temporaryFolder();
  await prepareDiskStore(folder);
  const store = new DiskStore(folder, randomBytes, nodeHash);
  return {
    store,
    async reopen() {
      await prepareDiskStore(folder);
      return new DiskStore(folder, randomBytes, nodeHash);
    },
    async close() {
      await store.close();
      await rm(folder, { recursive: true });
    },
  };
});

/** Too large for a pack, so that the blob has a file of its own. */
const LARGE = PACKED_BYTES + 1;

const pathOf = (folder: string, ref: string) => join(folder, 'blobs', ref.slice(-2), ref);

describe('the trailer of a blob', () => {
  const text = fc.string({ unit: 'binary', maxLength: 300 });
  const number = fc.nat({ max: Number.MAX_SAFE_INTEGER });
  const label: fc.Arbitrary<BlobLabel> = fc.record({
    kind: fc.constantFrom('archive', 'part'),
    account: text,
    region: text,
    vault: text,
    archiveId: text,
    description: fc.option(text),
    createdMs: number,
    sequence: number,
    offset: number,
  });
  const partOnly = fc.record({ uploadId: text, partSize: number }, { requiredKeys: [] });

  it('decodes to what was encoded, for any label and size', () => {
    const large = fc.constantFrom(2 ** 32 - 1, 2 ** 32, 2 ** 32 + 5, 40_000 * LEAF_BYTES);
    const size = fc.oneof({ weight: 9, arbitrary: fc.nat({ max: 40 * LEAF_BYTES }) }, large);
    fc.assert(
      fc.property(label, partOnly, size, fc.nat(), number, number, (common, part, bytes, seed, g, c) => {
        const writer = { generation: g, commitNumber: c };
        const leaves = someBytes(leafCount(bytes) * DIGEST_BYTES, seed);
        const treeHash = Buffer.from(foldDigests(leaves)).toString('hex');
        const digests = { size: bytes, treeHash, linearHash: 'ab'.repeat(32), leaves };
        const trailer = encodeTrailer({ ...common, ...part }, digests, writer);
        const layout = decodeFooter('ref', trailer.subarray(-FOOTER_BYTES), bytes + trailer.length);
        assert.equal(layout.trailerBytes, trailer.length);
        const { leaves: readLeaves, ...read } = decodeTrailer('ref', trailer, layout);
        assert.deepEqual(read, {
          label: { ...common, ...part },
          size: bytes,
          treeHash,
          linearHash: 'ab'.repeat(32),
          writer,
        });
        assert.deepEqual(Buffer.from(readLeaves), leaves);
      }),
    );
  });
});

describe('a damaged blob on disk', () => {
  const DATA = someBytes(2 * LEAF_BYTES + 100);

  it('is detected when any byte of the trailer was changed', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const ref = await storeBlob(store, DATA, partLabel(0));
    const path = pathOf(folder, ref);
    const whole = await readFile(path);
    const file = await open(path, 'r+');
    t.after(() => file.close());
    for (let at = DATA.length; at < whole.length; at++) {
      await file.write(Buffer.of((whole[at] ?? 0) ^ 0x10), 0, 1, at);
      await assert.rejects(store.describe(ref), BlobDamaged, `byte ${at - DATA.length} of the trailer`);
      await file.write(whole, at, 1, at);
    }
    assert.equal((await store.describe(ref)).size, DATA.length);
  });

  it('is detected when it was truncated to any length', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const ref = await storeBlob(store, someBytes(LARGE));
    const { size } = await stat(pathOf(folder, ref));
    for (let length = size - 1; length > LARGE; length -= 3) {
      await truncate(pathOf(folder, ref), length);
      await assert.rejects(store.describe(ref), BlobDamaged, `${length} bytes of ${size} left`);
    }
    for (const length of [LARGE, LARGE - 1, 1000, 65, 64, 63, 1, 0]) {
      await truncate(pathOf(folder, ref), length);
      await assert.rejects(store.describe(ref), BlobDamaged, `${length} bytes of ${size} left`);
    }
  });

  it('is detected when bytes were appended', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const ref = await storeBlob(store, someBytes(LARGE));
    await appendFile(pathOf(folder, ref), 'x');
    await assert.rejects(store.describe(ref), BlobDamaged);
  });
});

describe('a disk store after a crash', () => {
  it('removes half-written blobs and keeps whole ones, confirmed or not', async (t) => {
    const folder = await readyFolder(t);
    const crashed = storeOver(t, folder);
    const [confirmed, loose] = [
      await storeBlob(crashed, someBytes(LARGE)),
      await storeBlob(crashed, someBytes(LARGE + 10)),
    ];
    crashed.confirm(confirmed);
    const half = await crashed.create(LARGE);
    t.after(() => half.discard());
    await half.write([someBytes(LARGE - 15)]);
    await eventually(async () => (await incoming(folder)).length === 2);

    await prepareDiskStore(folder);
    assert.deepEqual(await incoming(folder), [loose]);
    const store = storeOver(t, folder);
    assert.deepEqual(await collect(store.unconfirmed()), [loose]);
    assert.deepEqual((await collect(store.list())).sort(), [confirmed, loose].sort());
    await store.remove(loose);
    assert.deepEqual(await collect(store.unconfirmed()), []);
    assert.deepEqual(await collect(store.list()), [confirmed]);
  });

  it('can be prepared any number of times', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = [await storeBlob(store, someBytes(10)), await storeBlob(store, someBytes(LARGE))] as const;
    for (let i = 0; i < 2; i++) await prepareDiskStore(folder);
    assert.deepEqual(await readBlob(storeOver(t, folder), refs[0]), someBytes(10));
    assert.deepEqual(await readBlob(storeOver(t, folder), refs[1]), someBytes(LARGE));
  });

  it('upgrades a store of version 1 to version 3 and keeps its blobs', async (t) => {
    const folder = await readyFolder(t);
    const ref = await storeBlob(storeOver(t, folder), someBytes(LARGE));
    await rm(join(folder, 'packs'), { recursive: true });
    await writeFile(join(folder, 'format.json'), '{"format":"moraine-store","version":1}\n');
    for (let i = 0; i < 2; i++) await prepareDiskStore(folder);
    const format = JSON.parse(await readFile(join(folder, 'format.json'), 'utf8'));
    assert.deepEqual(format, { format: 'moraine-store', version: 3 });
    const store = storeOver(t, folder);
    assert.deepEqual(await collect(store.list()), [ref]);
    assert.deepEqual(await readBlob(store, await storeBlob(store, someBytes(10))), someBytes(10));
  });

  it('refuses a folder of another format or version', async (t) => {
    const folder = await readyFolder(t);
    for (const other of [{ format: 'moraine-store', version: 4 }, { format: 'something' }, {}]) {
      await writeFile(join(folder, 'format.json'), JSON.stringify(other));
      await assert.rejects(
        prepareDiskStore(folder),
        /serves stores of the format moraine-store, versions 1 to 3/,
      );
    }
  });
});

describe('a disk store whose disk fails', () => {
  const isFinal = async (store: DiskStore) => {
    assert.ok(store.failure() instanceof StoreFailure);
    for (const size of [1, LARGE]) await assert.rejects(store.create(size), StoreFailure);
    await assert.rejects(store.appendEntries([{ seq: 1, body: {} }]), StoreFailure);
  };

  for (const [what, method] of [
    ['the bytes', 'datasync'],
    ['the name', 'sync'],
  ] as const) {
    it(`refuses writes after a failed flush of ${what}, but serves reads`, async (t) => {
      const folder = await readyFolder(t);
      const store = storeOver(t, folder);
      const ref = await storeBlob(store, someBytes(LARGE));
      const begun = await store.create(LARGE);
      await begun.write([someBytes(LARGE)]);
      await failFiles(t, method, 1);

      await assert.rejects(storeBlob(store, someBytes(LARGE + 10)), StoreFailure);
      await isFinal(store);
      await assert.rejects(begun.finish(archiveLabel()), StoreFailure);
      assert.deepEqual(await collect(store.list()), [ref]);
      assert.deepEqual(await incoming(folder), [ref]);
      assert.deepEqual(await readBlob(store, ref), someBytes(LARGE));
    });
  }

  it("refuses writes after the journal's flush failed with any error", async (t) => {
    for (const code of ['EIO', 'ENOSPC'] as const) {
      const folder = await readyFolder(t);
      const space = new CountedSpace(5);
      const store = storeOver(t, folder, undefined, undefined, { space });
      await store.appendEntries([{ seq: 1, body: { kept: true } }]);
      const failing = await failFiles(t, 'datasync', 1, diskError(code));
      const appends = [2, 3, 4].map((seq) => store.appendEntries([{ seq, body: {} }]));
      for (const append of appends) await assert.rejects(append, StoreFailure);
      await isFinal(store);
      assert.equal(space.given, 0, 'a failed flush must not be retried with space from the reserve');
      assert.deepEqual((await collect(store.journalEntries()))[0]?.body, { kept: true });
      failing.stop();
    }
  });

  it('continues after a failed write to the journal, and removes what was written of its lines', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    await store.appendEntries([{ seq: 1, body: {} }]);
    const torn = await beforeFiles(t, 'appendFile', async function (this: unknown) {
      // Half a line, as a full disk leaves it.
      await (this as FileHandle).write('0123456789abcdef');
      throw diskError('ENOSPC');
    });
    await assert.rejects(store.appendEntries([{ seq: 2, body: {} }]), (error: Error) => {
      assert.ok(error instanceof StoreFailure);
      assert.equal(error.message, 'a journal entry cannot be kept: the disk is full');
      return true;
    });
    torn.stop();
    assert.equal(store.failure(), undefined);
    await store.appendEntries([{ seq: 2, body: { again: true } }]);
    const entries = await collect(store.journalEntries());
    assert.deepEqual(
      entries.map(({ seq, body }) => ({ seq, body })),
      [
        { seq: 1, body: {} },
        { seq: 2, body: { again: true } },
      ],
    );
  });

  it('refuses writes after a torn line of the journal could not be cut off', async (t) => {
    const store = storeOver(t, await readyFolder(t));
    await store.appendEntries([{ seq: 1, body: {} }]);
    await failFiles(t, 'truncate', 1);
    await failFiles(t, 'appendFile', 1);
    await assert.rejects(store.appendEntries([{ seq: 2, body: {} }]), StoreFailure);
    await isFinal(store);
  });

  it('gives up its reserve for entries, notes and removals, but not for blobs', async (t) => {
    const folder = await readyFolder(t);
    const space = new CountedSpace(3);
    const store = storeOver(t, folder, undefined, undefined, { space });
    const ref = await storeBlob(store, someBytes(1000));
    for (const [method, task] of [
      ['appendFile', () => store.appendEntries([{ seq: 1, body: {} }])],
      ['writeFile', () => store.putNote('one', 'text')],
      ['write', () => store.remove(ref)],
    ] as const) {
      const before = space.given;
      const failing = await failFiles(t, method, 1, diskError('EDQUOT'));
      await task();
      failing.stop();
      assert.equal(space.given, before + 1, method);
    }
    const failing = await failFiles(t, 'appendFile', Infinity, diskError('ENOSPC'));
    await assert.rejects(store.appendEntries([{ seq: 2, body: {} }]), /the disk is full/);
    failing.stop();
    assert.equal(space.given, 3, 'no more than the reserve');
    const writing = await failFiles(t, 'write', Infinity, diskError('ENOSPC'));
    for (const size of [1000, LARGE])
      await assert.rejects(storeBlob(store, someBytes(size)), /the disk is full/);
    writing.stop();
    assert.equal(space.asked, 4, 'blobs requested space from the reserve');
    assert.equal(store.failure(), undefined);
    assert.deepEqual(await collect(store.list()), []);
    assert.equal(await store.note('one'), 'text');
  });

  it('allocates space before it accepts a blob, and reports how the blob ended', async (t) => {
    const space = new CountedSpace(0);
    const store = storeOver(t, await readyFolder(t), undefined, undefined, { space });
    await storeBlob(store, someBytes(LARGE));
    const given = await store.create(10);
    await given.write([someBytes(4)]);
    await given.discard();
    assert.deepEqual(space.allocations, [
      { bytes: LARGE, wrote: LARGE, ended: 1, error: undefined },
      { bytes: 10, wrote: 4, ended: 1, error: undefined },
    ]);
    space.refuses = true;
    for (const size of [1, LARGE, null]) await assert.rejects(store.create(size), /no room/);
    assert.equal(space.allocations.length, 2);
    space.refuses = false;
    await failFiles(t, 'write', Infinity, diskError('ENOSPC'));
    await assert.rejects(storeBlob(store, someBytes(LARGE)), /the disk is full/);
    assert.match(String(space.allocations[2]?.error), /the disk is full/);
  });

  it('can compact the current pack once it is sealed', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const refs = [await storeBlob(store, someBytes(1000)), await storeBlob(store, someBytes(2000))];
    for (const ref of refs) store.confirm(ref);
    await store.sealPack();
    for (const ref of refs) await store.remove(ref);
    await eventually(async () => {
      await store.compact();
      return (await packFiles(folder)).length === 0;
    });
    const next = await storeBlob(store, someBytes(10));
    assert.deepEqual(await collect(store.list()), [next]);
  });

  it('continues after a failed write, which loses only that blob', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    await failFiles(t, 'write', 1);
    const writer = await store.create(LARGE);
    // A blob of one leaf is written at its end.
    await writer.write([someBytes(LARGE)]);
    await assert.rejects(writer.finish(archiveLabel()), StoreFailure);
    assert.deepEqual(await incoming(folder), []);
    assert.equal(store.failure(), undefined);
    assert.deepEqual(
      await readBlob(store, await storeBlob(store, someBytes(LARGE + 10))),
      someBytes(LARGE + 10),
    );
  });

  it('continues after a folder could not be opened for its flush', async (t) => {
    const folder = await readyFolder(t);
    const failures: unknown[] = [];
    const flusher = new FolderFlusher(join(folder, 'not there'), (flush) =>
      flush().catch((error) => {
        failures.push(error);
        throw error;
      }),
    );
    t.after(() => flusher.close());
    for (let i = 0; i < 2; i++) await assert.rejects(flusher.flush(), { code: 'ENOENT' });
    assert.deepEqual(failures, [], 'treated as a failed flush');
    await mkdir(join(folder, 'not there'));
    await flusher.flush();
  });

  it('can be prepared again after a failed flush, and leaves no descriptor open meanwhile', async (t) => {
    const folder = await readyFolder(t);
    const before = (await readdir('/proc/self/fd')).length;
    const failing = await failFiles(t, 'sync');
    for (let i = 0; i < 5; i++) await assert.rejects(prepareDiskStore(folder), { code: 'EIO' });
    assert.equal((await readdir('/proc/self/fd')).length, before);
    failing.stop();
    await prepareDiskStore(folder);
  });

  it('continues after the journal could not be opened', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    const away = join(folder, 'elsewhere');
    await rename(join(folder, 'journal'), away);
    const appends = [1, 2].map((seq) => store.appendEntries([{ seq, body: {} }]));
    for (const append of appends) await assert.rejects(append, StoreFailure);
    await rename(away, join(folder, 'journal'));
    for (const seq of [1, 2, 3]) await store.appendEntries([{ seq, body: {} }]);
    assert.equal(store.failure(), undefined);
    assert.equal((await collect(store.journalEntries())).length, 3);
  });

  it('removes what a failed write or a crash left of a note', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    await store.putNote('one', 'text');
    const notes = () => readdir(join(folder, 'notes'));
    await failFiles(t, 'sync', 1);
    await assert.rejects(store.putNote('two', 'text'), StoreFailure);
    assert.deepEqual(await notes(), ['one']);
    await writeFile(join(folder, 'notes', '.0123456789abcdef'), 'te');
    await prepareDiskStore(folder);
    assert.deepEqual(await notes(), ['one']);
  });

  for (const size of [1000, LARGE]) {
    it(`flushes a removal of ${size} bytes again when repeated, because the process that removed them may have died`, async (t) => {
      const folder = await readyFolder(t);
      const store = storeOver(t, folder);
      const ref = await storeBlob(store, someBytes(size));
      await store.remove(ref);
      const again = storeOver(t, folder);
      let flushes = 0;
      for (const method of ['sync', 'datasync'] as const) {
        await beforeFiles(t, method, async () => {
          flushes++;
        });
      }
      await again.remove(ref);
      assert.ok(flushes > 0);
    });
  }

  it('never overwrites a blob, even when a random name repeats', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder, (bytes) => Buffer.alloc(bytes, 0xab));
    const ref = await storeBlob(store, someBytes(LARGE));
    await assert.rejects(storeBlob(store, someBytes(LARGE + 10)), StoreFailure);
    store.confirm(ref);
    await eventually(async () => (await incoming(folder)).length === 0);
    await assert.rejects(storeBlob(store, someBytes(LARGE + 10)), StoreFailure);
    assert.deepEqual(await readBlob(store, ref), someBytes(LARGE));
    assert.deepEqual(await incoming(folder), []);
  });
});

describe('the journal of a disk store', () => {
  const RECORDS = [1, 2, 3].map((seq) => ({ seq, body: { type: 'fact', seq } }));

  const WRITTEN = RECORDS.map((record) => ({ ...record, writer: NO_STAMP() }));

  async function journalOf(t: TestContext): Promise<{ store: DiskStore; path: string }> {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    for (const record of RECORDS) await store.appendEntries([record]);
    const [name = ''] = await readdir(join(folder, 'journal'));
    return { store, path: join(folder, 'journal', name) };
  }

  it('ignores a torn last line', async (t) => {
    const { store, path } = await journalOf(t);
    const whole = await readFile(path, 'utf8');
    const [line = ''] = whole.split('\n');
    for (const kept of [1, 31, 32, 33, 40, line.length - 1]) {
      await writeFile(path, whole + line.slice(0, kept));
      assert.deepEqual(
        await collect(store.journalEntries()),
        WRITTEN,
        `${kept} characters of the line are left`,
      );
    }
  });

  it('reports a changed line', async (t) => {
    const { store, path } = await journalOf(t);
    const whole = await readFile(path, 'utf8');
    for (const [from, to] of [
      ['"seq":1', '"seq":9'],
      ['fact', 'fiction'],
      [whole.slice(0, 1), whole.startsWith('0') ? '1' : '0'],
    ] as const) {
      await writeFile(path, whole.replace(from, to));
      await assert.rejects(collect(store.journalEntries()), BlobDamaged);
    }
  });

  it('ignores what a crash tore of lines that were appended together', async (t) => {
    const { store, path } = await journalOf(t);
    await store.appendEntries([4, 5, 6].map((seq) => ({ seq, body: { type: 'fact', seq } })));
    const lines = (await readFile(path, 'utf8')).split('\n');
    const without = async (at: number) => {
      const torn = lines.with(at, 'x'.repeat(lines[at]?.length ?? 0));
      await writeFile(path, torn.join('\n'));
      return (await collect(store.journalEntries())).map(({ seq }) => seq);
    };
    for (const at of [3, 4, 5]) {
      const kept = [1, 2, 3, 4, 5, 6].filter((seq) => seq !== at + 1);
      assert.deepEqual(await without(at), kept);
      // The start that closes the file does not take it for damaged.
      assert.deepEqual((await storeOver(t, join(path, '../..')).closeJournals()).damage, []);
      assert.deepEqual(
        (await collect(store.journalEntries())).map(({ seq }) => seq),
        kept,
      );
    }
    for (const at of [0, 1, 2]) await assert.rejects(without(at), BlobDamaged);
  });

  it('stamps each entry and blob with the generation and commit number of its writer', async (t) => {
    const folder = await readyFolder(t);
    let stamp = { generation: 3, commitNumber: 70 };
    const store = new DiskStore(folder, randomBytes, nodeHash, { stamp: () => stamp });
    t.after(() => store.close());
    await store.appendEntries([{ seq: 1, body: {} }]);
    stamp = { generation: 3, commitNumber: 2 ** 40 };
    await store.appendEntries([{ seq: 2, body: {} }]);
    const writers = (await collect(store.journalEntries())).map(({ writer }) => writer?.commitNumber);
    assert.deepEqual(writers, [70, 2 ** 40]);
    assert.equal(await store.lastCommitNumber(), 2 ** 40);
    await store.noteCommitNumber(2 ** 40 + 1);
    assert.equal(await store.lastCommitNumber(), 2 ** 40 + 1);
    for (const size of [10, LARGE]) {
      assert.deepEqual((await store.describe(await storeBlob(store, someBytes(size)))).writer, stamp);
    }
  });

  it('skips a line without an entry', async (t) => {
    const { store, path } = await journalOf(t);
    const text = '{"later":{"lines":3}}';
    await appendFile(path, `${createHash('sha256').update(text).digest('hex').slice(0, 32)} ${text}\n`);
    assert.deepEqual(await collect(store.journalEntries()), WRITTEN);
    assert.equal(await store.lastEntrySeq(), 3);
  });

  /** A closed journal file, and a store that reads it. */
  async function closedJournal(t: TestContext): Promise<{ store: DiskStore; path: string; whole: string }> {
    const { store, path } = await journalOf(t);
    await store.close();
    return { store, path, whole: await readFile(path, 'utf8') };
  }

  it('ends with a line that counts the others, once it is closed', async (t) => {
    const { store, path, whole } = await closedJournal(t);
    const lines = whole.trimEnd().split('\n');
    const { closed } = JSON.parse(lines.at(-1)?.slice(33) ?? '');
    const counted = `${lines.slice(0, -1).join('\n')}\n`;
    const digest = createHash('sha256').update(counted).digest('hex');
    const types = [...new Set(RECORDS.map(({ body }) => String((body as { type?: string }).type)))].sort();
    assert.deepEqual(closed, { lines: 3, digest, types });
    assert.deepEqual(await collect(store.journalEntries()), WRITTEN);
    assert.equal(await store.lastEntrySeq(), 3);
    assert.deepEqual(await storeOver(t, join(path, '../..')).closeJournals(), { types, damage: [] });
    assert.equal(await readFile(path, 'utf8'), whole);
  });

  it('reports every changed byte, and every missing line, of a closed file', async (t) => {
    const { store, path, whole } = await closedJournal(t);
    const isDamaged = async (text: string, what: string) => {
      await writeFile(path, text);
      await assert.rejects(collect(store.journalEntries()), BlobDamaged, what);
    };
    for (let at = 0; at < whole.length; at += 3) {
      const other = whole[at] === '7' ? '8' : '7';
      await isDamaged(whole.slice(0, at) + other + whole.slice(at + 1), `byte ${at}`);
    }
    const lines = whole.split('\n');
    for (const [i, line] of lines.entries()) {
      // The line feed behind each line.
      const at = lines.slice(0, i).join('\n').length + (i > 0 ? 1 : 0) + line.length;
      if (at < whole.length)
        await isDamaged(`${whole.slice(0, at)}x${whole.slice(at + 1)}`, `line feed ${i}`);
    }
    for (const i of RECORDS.keys()) await isDamaged(lines.toSpliced(i, 1).join('\n'), `without line ${i}`);
    await isDamaged([lines[1], lines[0], ...lines.slice(2)].join('\n'), 'lines in another order');
    // Cut anywhere, it looks like a file that was never closed, which is damage once a later start has closed it.
    await writeFile(path, lines.slice(0, 2).join('\n'));
    assert.equal((await collect(store.journalEntries())).length, 2);
    const later = new DiskStore(join(path, '../..'), randomBytes, nodeHash, {
      stamp: () => ({ generation: 9, commitNumber: 1 }),
    });
    await writeFile(path, whole);
    await later.closeJournals();
    await writeFile(path, lines.slice(0, 2).join('\n'));
    await assert.rejects(collect(later.journalEntries()), /its end is missing/);
  });

  it('is closed by the next start behind a line that a crash tore, but not where it is damaged', async (t) => {
    const { store, path } = await journalOf(t);
    const folder = join(path, '../..');
    const whole = await readFile(path, 'utf8');
    const [line = ''] = whole.split('\n');
    for (const torn of ['', line.slice(0, 50), `${line.slice(0, 50)}\n`]) {
      await writeFile(path, whole + torn);
      assert.deepEqual((await storeOver(t, folder).closeJournals()).damage, []);
      const closed = await readFile(path, 'utf8');
      // The third line does not say whether its own flush succeeded.
      assert.match(closed, /\n[0-9a-f]{32} \{"closed":\{"lines":2,.*\}\n$/);
      assert.ok(closed.startsWith(whole + torn));
      assert.deepEqual(await collect(store.journalEntries()), WRITTEN);
      await storeOver(t, folder).closeJournals();
      assert.equal(await readFile(path, 'utf8'), closed);
    }
    const changed = whole.replace('fact', 'fiction');
    await writeFile(path, changed);
    assert.equal((await storeOver(t, folder).closeJournals()).damage.length, 1);
    assert.equal(await readFile(path, 'utf8'), changed);
  });

  it('is not damaged if the disk never had the last lines that a start could read when it closed the file', async (t) => {
    const { store, path } = await journalOf(t);
    await storeOver(t, join(path, '../..')).closeJournals();
    const lines = (await readFile(path, 'utf8')).split('\n');
    await writeFile(path, lines.with(2, '\0'.repeat(lines[2]?.length ?? 0)).join('\n'));
    assert.deepEqual(await collect(store.journalEntries()), WRITTEN.slice(0, 2));
    await writeFile(path, lines.with(1, '\0'.repeat(lines[1]?.length ?? 0)).join('\n'));
    await assert.rejects(collect(store.journalEntries()), BlobDamaged);
  });

  it('returns any entry unchanged', async (t) => {
    const folder = await readyFolder(t);
    const store = storeOver(t, folder);
    let seq = 0;
    const text = fc.string({ unit: 'binary' });
    await fc.assert(
      fc.asyncProperty(fc.dictionary(text, fc.jsonValue({ stringUnit: 'binary' })), async (value) => {
        const body = JSON.parse(JSON.stringify(value)) as Record<string, unknown>;
        await store.appendEntries([{ seq: ++seq, body }]);
        const entry = (await collect(store.journalEntries())).find((one) => one.seq === seq);
        assert.deepEqual(entry, { seq, body, writer: NO_STAMP() });
      }),
      { numRuns: 60 },
    );
  });
});

describe('two disk stores over one folder', () => {
  for (const [kind, size] of SIZES) {
    it(`write ${kind} blobs concurrently and see each other’s`, async (t) => {
      const folder = await readyFolder(t);
      const stores = [storeOver(t, folder), storeOver(t, folder)] as const;
      const refs = await Promise.all(
        Array.from({ length: 30 }, (_, i) => storeBlob(stores[i % 2 ? 1 : 0], someBytes(size, i))),
      );
      for (const [i, ref] of refs.entries()) {
        assert.deepEqual(await readBlob(stores[i % 2 ? 0 : 1], ref), someBytes(size, i));
      }
      for (const store of stores) assert.deepEqual((await collect(store.list())).sort(), [...refs].sort());
    });

    it(`share a journal and can remove each other’s ${kind} blobs`, async (t) => {
      const folder = await readyFolder(t);
      const [one, other] = [storeOver(t, folder), storeOver(t, folder)];
      await Promise.all([
        one.appendEntries([{ seq: 1, body: { by: 'one' } }]),
        other.appendEntries([{ seq: 2, body: { by: 'other' } }]),
      ]);
      const entries = await collect(one.journalEntries());
      assert.deepEqual(entries.map(({ seq }) => seq).sort(), [1, 2]);

      const [kept, gone] = [await storeBlob(one, someBytes(size)), await storeBlob(one, someBytes(size, 1))];
      one.confirm(kept);
      one.confirm(gone);
      await other.remove(gone);
      await eventually(async () => (await collect(one.unconfirmed())).length === 0);
      assert.deepEqual(await collect(one.list()), [kept]);
    });
  }

  it('can confirm each other’s blobs that have files of their own', async (t) => {
    const folder = await readyFolder(t);
    const [one, other] = [storeOver(t, folder), storeOver(t, folder)];
    const ref = await storeBlob(one, someBytes(LARGE));
    other.confirm(ref);
    await eventually(async () => (await collect(one.unconfirmed())).length === 0);
    assert.deepEqual(await collect(one.list()), [ref]);
  });
});
