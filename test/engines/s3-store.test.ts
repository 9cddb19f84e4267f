import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Objects } from '../../src/blobs/s3/objects.ts';
import type { BucketPlace } from '../../src/blobs/s3/sdk-objects.ts';
import { PIECE_BYTES } from '../../src/blobs/s3/writer.ts';
import { BlobDamaged, StoreFailure } from '../../src/domain/blob-store.ts';
import {
  archiveLabel,
  blobStoreContract,
  collect,
  partLabel,
  readBlob,
  someBytes,
  storeBlob,
} from '../support/blob-store-contract.ts';
import { openPlace, startBucket, storeIn, type TestBucket, withoutS3 } from '../support/s3-engine.ts';
import { temporaryFolder } from '../support/server.ts';
import { startUnsteadyProxy } from '../support/unsteady-proxy.ts';

const run = promisify(execFile);
const SCRIPT = fileURLToPath(new URL('../../scripts/read-store.py', import.meta.url));
const PYTHON = process.env['MORAINE_TEST_PYTHON'] ?? 'python3';
const DAY_MS = 86_400_000;

let bucket: TestBucket;

/** Opens a place of its own, which the test's end closes. */
async function openNew(t: TestContext): Promise<{ place: BucketPlace; objects: Objects }> {
  const place = bucket.newPlace();
  const objects = await openPlace(place);
  t.after(() => objects.close());
  return { place, objects };
}

const keysOf = async (objects: Objects, prefix: string) =>
  (await collect(objects.list(prefix))).map(({ key }) => key);

const stampOf = (generation: number) => ({ stamp: () => ({ generation, commitNumber: generation * 10 }) });

describe('a store in a bucket', { skip: withoutS3 }, () => {
  before(async () => {
    bucket = await startBucket();
  });
  after(() => bucket.close());

  blobStoreContract('S3', async () => {
    const place = bucket.newPlace();
    const store = await storeIn(place);
    return { store, reopen: () => storeIn(place), close: () => store.close() };
  });

  it('sends a large blob in pieces and reads any range of it', async (t) => {
    const { place } = await openNew(t);
    const store = await storeIn(place);
    t.after(() => store.close());
    const bytes = someBytes(2 * PIECE_BYTES + 1_234_567);
    for (const size of [bytes.length, null]) {
      const writer = await store.create(size);
      for (let at = 0; at < bytes.length; at += 3_000_000)
        await writer.write([bytes.subarray(at, at + 3_000_000)]);
      const ref = await writer.finish(partLabel(0));
      assert.deepEqual(await readBlob(store, ref), bytes);
      for (const [first, last] of [
        [0, 0],
        [PIECE_BYTES - 1, PIECE_BYTES],
        [bytes.length - 1, bytes.length - 1],
      ] as const)
        assert.deepEqual(await readBlob(store, ref, first, last), bytes.subarray(first, last + 1));
    }
  });

  it('keeps data that fill their pieces exactly', async (t) => {
    const { place } = await openNew(t);
    const store = await storeIn(place);
    t.after(() => store.close());
    for (const length of [PIECE_BYTES, 2 * PIECE_BYTES]) {
      const ref = await storeBlob(store, someBytes(length), partLabel(0));
      assert.equal((await store.describe(ref)).size, length);
      assert.deepEqual(await readBlob(store, ref), someBytes(length));
    }
  });

  it('leaves nothing of a large blob that is discarded', async (t) => {
    const { place, objects } = await openNew(t);
    const store = await storeIn(place);
    t.after(() => store.close());
    const writer = await store.create(3 * PIECE_BYTES);
    await writer.write([someBytes(2 * PIECE_BYTES + 1)]);
    await writer.discard();
    assert.deepEqual(await collect(objects.unfinished('data/')), []);
    assert.deepEqual(await keysOf(objects, 'data/'), []);
  });

  it('relies on an engine that refuses bytes with another hash, and stores none of them', async (t) => {
    const wrong = '0'.repeat(64);
    const refused = { name: 'XAmzContentSHA256Mismatch' };
    // Without retries.
    const objects = await openPlace(bucket.newPlace(), 0);
    t.after(() => objects.close());
    await assert.rejects(objects.put('whole', someBytes(1000), {}, wrong), refused);
    assert.equal(await objects.find('whole'), undefined);
    const upload = { key: 'pieces', uploadId: await objects.begin('pieces') };
    await assert.rejects(objects.putPiece(upload, 1, someBytes(1000), wrong), refused);
    await objects.abort(upload);
    await objects.put('whole', someBytes(1000));
  });

  it('relies on an engine that lets only one of two conditional writes win', async (t) => {
    const { objects } = await openNew(t);
    const outcomes = await Promise.allSettled(
      [1, 2, 3, 4].map((seed) => objects.put('one', someBytes(100, seed), { absent: true })),
    );
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    const etag = (await objects.find('one'))?.etag ?? '';
    await objects.put('one', someBytes(100, 9), { etag });
    await assert.rejects(objects.put('one', someBytes(100, 10), { etag }), { name: 'ConditionFailed' });
    assert.deepEqual((await objects.get('one'))?.bytes, someBytes(100, 9));
  });

  it('removes what an earlier start did not finish, and nothing else', async (t) => {
    const { place, objects } = await openNew(t);
    const died = await storeIn(place, stampOf(1));
    const stored = await storeBlob(died, someBytes(300_000));
    const writer = await died.create(3 * PIECE_BYTES);
    await writer.write([someBytes(2 * PIECE_BYTES + 1)]);
    const half = await died.create(300_000);
    await half.write([someBytes(300_000)]);
    const ref = await half.finish(archiveLabel());
    await objects.remove(`ends/${ref}`);
    await objects.put('data/of-somebody-else', someBytes(10));

    let now = 0;
    const next = await storeIn(place, stampOf(2), () => now);
    t.after(() => next.close());
    assert.deepEqual(await collect(next.unconfirmed()), [stored]);
    await next.confirmAll();
    assert.deepEqual(await collect(objects.unfinished('data/')), []);
    assert.deepEqual(await keysOf(objects, 'data/'), [`data/${stored}`, 'data/of-somebody-else'].sort());

    // A request of the dead process arrives late.
    await objects.put(`data/${ref}`, someBytes(300_000));
    now = 7 * DAY_MS - 1;
    assert.deepEqual(await collect(next.unconfirmed()), []);
    await next.confirmAll();
    assert.equal(await objects.find(`data/${ref}`), undefined);
    assert.equal((await keysOf(objects, 'incoming/')).length, 1);
    now = 7 * DAY_MS + 1;
    await next.confirmAll();
    assert.deepEqual(await keysOf(objects, 'incoming/'), []);
  });

  it('does not settle a blob that it was told to ask about again', async (t) => {
    const { place } = await openNew(t);
    const died = await storeIn(place, stampOf(1));
    const [one, two] = [await storeBlob(died, someBytes(10)), await storeBlob(died, someBytes(300_000))];
    const next = await storeIn(place, stampOf(2));
    t.after(() => next.close());
    assert.deepEqual((await collect(next.unconfirmed())).sort(), [one, two].sort());
    await next.confirmAll(new Set([two]));
    assert.deepEqual(await collect(next.unconfirmed()), [two]);
  });

  it('leaves the names of a running process of the same start alone', async (t) => {
    const { place } = await openNew(t);
    const [primary, serving] = [await storeIn(place, stampOf(3)), await storeIn(place, stampOf(3))];
    t.after(() => Promise.all([primary.close(), serving.close()]));
    const ref = await storeBlob(serving, someBytes(300_000));
    assert.deepEqual(await collect(primary.unconfirmed()), []);
    await primary.confirmAll();
    assert.deepEqual(await collect(serving.unconfirmed()), [ref]);
  });

  it('keeps a paused process from appending after a later start', async (t) => {
    const { place } = await openNew(t);
    const paused = await storeIn(place, stampOf(1));
    await paused.appendEntries([{ seq: 1, body: { type: 'kept' } }]);
    const next = await storeIn(place, stampOf(2));
    t.after(() => next.close());
    assert.deepEqual(await next.closeJournals(), { types: ['kept'], damage: [] });
    await assert.rejects(paused.appendEntries([{ seq: 2, body: { type: 'late' } }]), StoreFailure);
    assert.ok(paused.failure());
    await assert.rejects(paused.create(10), StoreFailure);
    assert.deepEqual(
      (await collect(next.journalEntries())).map(({ seq }) => seq),
      [1],
    );
    assert.deepEqual(await next.closeJournals(), { types: ['kept'], damage: [] });
  });

  it('merges the objects of the journal, loses no entry, and notices a missing object', async (t) => {
    const { place, objects } = await openNew(t);
    const store = await storeIn(place, stampOf(1));
    for (let seq = 1; seq <= 300; seq++) await store.appendEntries([{ seq, body: { type: 'many', seq } }]);
    const seqs = async () =>
      (await collect(store.journalEntries())).map(({ seq }) => seq).sort((a, b) => a - b);
    const expected = Array.from({ length: 300 }, (_, i) => i + 1);
    // An object may vanish while the others are read, because it was merged: then its entries come from that.
    assert.deepEqual([...new Set(await seqs())], expected);
    assert.equal(await store.lastEntrySeq(), 300);
    assert.equal(await store.lastCommitNumber(), 10);
    await store.close();
    const keys = await keysOf(objects, 'journal/');
    // One for the first 256, 44, and the one that closes the journal.
    assert.equal(keys.length, 46);
    const next = await storeIn(place, stampOf(2));
    t.after(() => next.close());
    assert.deepEqual(await next.closeJournals(), { types: ['many'], damage: [] });
    assert.equal(await next.lastEntrySeq(), 300);
    await objects.remove(keys[7] ?? '');
    await assert.rejects(collect(next.journalEntries()), BlobDamaged);
    const damage: string[] = [];
    const left = await collect(next.journalEntries(({ message }) => damage.push(message)));
    assert.equal(left.length, 299);
    assert.match(damage[0] ?? '', /its objects 263 to 263 are missing/);
  });

  it('groups small blobs that arrive together, and compacts their pack', async (t) => {
    const { place, objects } = await openNew(t);
    const store = await storeIn(place);
    t.after(() => store.close());
    const first = storeBlob(store, someBytes(10));
    const refs = await Promise.all(
      Array.from({ length: 60 }, (_, i) => storeBlob(store, someBytes(2000, i), partLabel(i))),
    );
    await first;
    const packs = new Set(refs.map((ref) => ref.split('.')[0]));
    assert.ok(packs.size <= 2, `${packs.size} packs`);
    const sizes = async () =>
      (await collect(objects.list('packs/'))).reduce((sum, { size }) => sum + size, 0);
    const before = await sizes();
    const gone = refs.filter((_, i) => i % 3 !== 0);
    await Promise.all(gone.map((ref) => store.remove(ref)));
    await store.compact();
    assert.ok((await sizes()) < before / 2);
    assert.deepEqual(
      (await keysOf(objects, 'packs/')).filter((key) => key.includes('.removed/')),
      [],
    );
    for (const [i, ref] of refs.entries())
      if (i % 3 === 0) assert.deepEqual(await readBlob(store, ref), someBytes(2000, i));
      else await assert.rejects(store.describe(ref), { name: 'BlobMissing' });

    // A later process finds what an earlier one removed and did not compact.
    for (const ref of refs.filter((_, i) => i % 3 === 0)) await store.remove(ref);
    await store.remove(await first);
    const next = await storeIn(place);
    t.after(() => next.close());
    await next.compact();
    assert.deepEqual(await keysOf(objects, 'packs/'), []);
  });

  it('gets through an engine that fails a third of all requests and loses answers', async (t) => {
    const direct = bucket.newPlace();
    const proxy = await startUnsteadyProxy(direct.endpoint ?? '');
    const store = await storeIn({ ...direct, endpoint: proxy.url });
    t.after(async () => {
      await store.close();
      await proxy.close();
    });
    const bytes = someBytes(2 * PIECE_BYTES + 5);
    const large = await storeBlob(store, bytes, partLabel(0));
    const small = await Promise.all([1, 2, 3].map((seed) => storeBlob(store, someBytes(100, seed))));
    for (let seq = 1; seq <= 20; seq++) await store.appendEntries([{ seq, body: { type: 'many' } }]);
    assert.deepEqual(await readBlob(store, large), bytes);
    assert.deepEqual((await collect(store.list())).sort(), [large, ...small].sort());
    assert.deepEqual(
      (await collect(store.journalEntries())).map(({ seq }) => seq),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    assert.ok(proxy.refused > 10 && proxy.lost > 10, `${proxy.refused} refused, ${proxy.lost} lost`);
  });

  it('is readable by the second reader once downloaded', async (t) => {
    const { place, objects } = await openNew(t);
    const store = await storeIn(place, stampOf(1));
    const vault = { account: '123456789012', region: 'us-east-1', vault: 'photos' };
    await store.appendEntries([{ seq: 1, body: { type: 'vault-created', ...vault, at: 5 } }]);
    const small = await Promise.all(
      ['a', 'b', 'c'].map((archiveId, i) =>
        storeBlob(store, someBytes(1000, i), archiveLabel({ archiveId, createdMs: i + 1 })),
      ),
    );
    const large = someBytes(PIECE_BYTES + 17);
    await storeBlob(store, large, archiveLabel({ archiveId: 'large', createdMs: 9 }));
    await store.remove(small[1] ?? '');
    await store.appendEntries([
      { seq: 2, body: { type: 'archive-deleted', ...vault, archiveId: 'b', at: 20 } },
    ]);
    await store.close();
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    await download(objects, folder);
    const { stdout } = await run(PYTHON, [SCRIPT, folder]);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split('\t').slice(1, 3)),
      [
        ['a', '1000'],
        ['c', '1000'],
        ['large', String(large.length)],
      ],
    );

    const [data] = await keysOf(objects, 'data/');
    await writeFile(join(folder, data ?? ''), Buffer.concat([large.subarray(1), Buffer.of(1)]));
    await assert.rejects(run(PYTHON, [SCRIPT, folder]), { code: 1, stderr: /the data was changed in MiB 0/ });
    await rm(join(folder, (await keysOf(objects, 'journal/'))[0] ?? ''));
    await assert.rejects(run(PYTHON, [SCRIPT, '--quick', folder]), {
      code: 1,
      stderr: /the objects 1 to 1 are missing/,
    });
  });
});

async function download(objects: Objects, folder: string): Promise<void> {
  for (const key of await keysOf(objects, '')) {
    const path = join(folder, key);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, (await objects.get(key))?.bytes ?? '');
  }
}
