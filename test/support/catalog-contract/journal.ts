import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import type { NewImportUpload } from '../../../src/domain/import-catalog.ts';
import type { Upload } from '../../../src/domain/upload.ts';
import { Customer, declare, refused, START_MS, unique } from './customer.ts';
import type { CatalogPlace, Journal } from './place.ts';
import { startTask } from './tasks.ts';

/** Makes every kind of write that leaves an entry; returns the type of the entry that each must leave. */
async function tellTale(c: Customer): Promise<string[]> {
  const vault = await c.makeVault();
  await c.catalog.addTags({ vaultNo: vault.no, tags: { a: 'b' } });
  await c.catalog.removeTags({ vaultNo: vault.no, keys: ['a'] });
  const { upload, declared } = await c.uploadOf(vault, 1);
  await c.complete(upload, declared);
  await c.abort(await c.startUpload(vault));
  await c.deleteArchive({ vaultNo: vault.no, id: upload.archiveId });
  const imported = c.newImportUpload(vault);
  await c.catalog.startImport(imported);
  const parts = [await c.putPart(await findUpload(c, imported), 0, { size: 7 })];
  for (let i = 0; i < 2; i++) await c.complete(imported, declare(parts));
  await c.deleteArchive({ vaultNo: vault.no, id: imported.archiveId });
  await c.deleteVault();
  return [
    'vault-created',
    'vault-tags',
    'vault-tags',
    'upload-started',
    'upload-completed',
    'upload-started',
    'upload-ended',
    'archive-deleted',
    'upload-started',
    'upload-completed',
    'archive-imported',
    'upload-completed',
    'archive-imported',
    'archive-deleted',
    'vault-deleted',
  ];
}

async function findUpload(c: Customer, { vaultNo, id }: NewImportUpload): Promise<Upload> {
  const upload = await c.catalog.findUpload(vaultNo, id);
  assert.ok(upload);
  return upload;
}

export function journal(makePlace: () => Promise<CatalogPlace>): void {
  let place: CatalogPlace;
  const written: JournalEntry[] = [];
  /** Number of the newest entry when the catalog was last opened; it is still in the outbox and is appended again. */
  let newest = 0;
  const fresh = () => written.filter(({ seq }) => seq > newest);
  // Takes several turns, like a disk, so that it ends in the middle of other writes.
  const keep: Journal = async (entries) => {
    for (let turn = 0; turn < 30; turn++) await undefined;
    written.push(...entries);
  };
  const using = async <Result>(to: Journal, use: (catalog: Catalog) => Promise<Result>): Promise<Result> => {
    const catalog = await place.open(to);
    newest = await catalog.lastEntrySeq();
    try {
      return await use(catalog);
    } finally {
      await catalog.close();
    }
  };
  before(async () => {
    place = await makePlace();
  });
  after(() => place.remove());
  const typesOf = (entries: readonly JournalEntry[]) => entries.map(({ body }) => body['type']);

  it('has each entry once and in order when its write is answered', async () => {
    written.length = 0;
    const expected = await using(keep, (catalog) => tellTale(new Customer(catalog)));
    assert.deepEqual(typesOf(fresh()), expected);
    const seqs = fresh().map(({ seq }) => seq);
    assert.deepEqual(
      seqs,
      [...new Set(seqs)].sort((a, b) => a - b),
    );
  });

  it('has all changes that the blobs alone do not show', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      const vault = await c.makeVault();
      const { upload, declared } = await c.uploadOf(vault, 1);
      await c.complete(upload, declared, { nowMs: 99 });
      const { account, region, name } = c.key();
      const { id: uploadId, archiveId, description, partSize, createdMs } = upload;
      const vaultOf = { account, region, vault: name };
      assert.deepEqual(
        fresh().map(({ body }) => body),
        [
          { type: 'vault-created', ...vaultOf, at: START_MS },
          { type: 'upload-started', ...vaultOf, uploadId, archiveId, description, partSize, at: createdMs },
          { type: 'upload-completed', ...vaultOf, uploadId, archiveId, description, ...declared, at: 99 },
        ],
      );
    });
  });

  it('has what a task keeps and deletes, and the numbers of archives that came late', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      const { account, region, name } = c.key();
      const vaultOf = { account, region, vault: name };
      const vault = await c.makeVault();
      const early = await c.addArchive(vault, { sequence: 2000 });
      const { no: taskNo } = await startTask(c, vault, { number: 1500, held: null, bulkId: null });
      const late = await c.addArchive(vault, { sequence: 1999 });
      const { upload, declared } = await c.uploadOf(vault, 1);
      await c.complete(upload, declared, { nowMs: 1 });
      while (!(await catalog.beginTask({ taskNo, bulkId: 'b' })));
      const { no } = (await catalog.findArchive(vault.no, early.id)) ?? { no: 0 };
      await catalog.keepArchives({ taskNo, bulkId: 'b', nos: [no], reason: 'locked' });
      // Nothing is left to delete, which needs no entry.
      await catalog.markTask({ taskNo, bulkId: 'b', policyVersion: 0, nowMs: 7 });
      assert.equal(await catalog.dropTaskArchives({ taskNo, limit: 9, nowMs: 8, mode: 'live' }), false);
      await startTask(c, vault, { number: 1, nowMs: 9, bulkId: 'd' });
      const entries = fresh().map(({ body }) => body);
      const { id: uploadId, archiveId, description } = upload;
      assert.deepEqual(
        entries.filter(({ type }) => type !== 'vault-created' && type !== 'upload-started'),
        [
          { type: 'archive-numbered', ...vaultOf, archiveId: late.id, number: 2001 },
          {
            ...{ type: 'upload-completed', ...vaultOf, uploadId, archiveId, description, ...declared },
            ...{ at: 1, number: 2001 },
          },
          { type: 'archives-kept', ...vaultOf, bulkId: 'b', archiveIds: [early.id] },
          { type: 'archives-deleted', ...vaultOf, bulkId: 'd', upTo: 2001, kept: 0, at: 9 },
        ],
      );
      // A later vault of this name, too.
      await c.deleteVault();
      const again = await c.addArchive(await c.makeVault(), { sequence: 1 });
      assert.deepEqual(fresh().at(-1)?.body, {
        ...{ type: 'archive-numbered', ...vaultOf, archiveId: again.id, number: 2002 },
      });
    });
  });

  it('has accounts, users, policies, keys, capacity and settings, as they were and as they change', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const { account, owner } = new Customer(catalog);
      const [id, other] = [`AKIA${unique()}`, `AKIA${unique()}`];
      await catalog.createAccount({ id: account, nowMs: 1 });
      await catalog.createAccount({ id: account, nowMs: 2 });
      const made = { account, name: 'ann', userId: 'AIDA1', createdMs: 3 };
      const { no: userNo } = await catalog.createUser(made);
      await catalog.putUserPolicy({ userNo, name: 'p', document: '{}' });
      const key = { account, sealedSecret: 's', status: 'active', origin: 'command', userNo } as const;
      for (const one of [id, other]) await catalog.putAccessKey({ id: one, ...key, nowMs: 4 });
      await catalog.setKeyStatus({ id, status: 'disabled' });
      await catalog.deleteAccessKey({ id });
      await catalog.dropAccessKeys({ account, origin: 'command', keepId: id });
      await catalog.deleteUserPolicy({ userNo, name: 'p' });
      await catalog.deleteUser({ userNo });
      await catalog.purchaseCapacity({ owner, unit: { id: account, startMs: 5, expiresMs: 6 }, nowMs: 5 });
      for (const name of ['first-access-key-id', 'other']) await catalog.initSetting({ name, value: 'x' });
      await catalog.setSetting({ name: 'first-access-key-id', value: 'y' });
      const [accessKeyId, userNumber] = [id, userNo];
      const ofKey = { type: 'access-key', account, accessKeyId, userNumber, sealedSecret: 's' };
      const setting = { type: 'setting', name: 'first-access-key-id' };
      assert.deepEqual(
        fresh().map(({ body }) => body),
        [
          { type: 'account-created', account, at: 1 },
          { type: 'user-created', account, userNumber, userName: 'ann', userId: 'AIDA1', at: 3 },
          { type: 'user-policy', userNumber, policyName: 'p', document: '{}' },
          { ...ofKey, status: 'active', origin: 'command', at: 4 },
          { ...ofKey, accessKeyId: other, status: 'active', origin: 'command', at: 4 },
          { ...ofKey, status: 'disabled', origin: 'command', at: 4 },
          { type: 'access-key-deleted', account, accessKeyId },
          { type: 'access-key-deleted', account, accessKeyId: other },
          { type: 'user-policy', userNumber, policyName: 'p', document: null },
          { type: 'user-deleted', userNumber },
          { type: 'capacity-unit', ...owner, id: account, startMs: 5, expiresMs: 6 },
          { ...setting, value: 'x' },
          { ...setting, value: 'y' },
        ],
      );
    });
  });

  it('has what was made before it had entries of people, once', async () => {
    await using(keep, async (catalog) => {
      const { account } = new Customer(catalog);
      await catalog.createAccount({ id: account, nowMs: 7 });
      const { no } = await catalog.createUser({ account, name: 'bob', userId: 'AIDA2', createdMs: 8 });
      await catalog.putUserPolicy({ userNo: no, name: 'p', document: '{"a":1}' });
      const key = { id: `AKIA${unique()}`, account, sealedSecret: 's', status: 'disabled' } as const;
      await catalog.putAccessKey({ ...key, origin: 'command', userNo: no, nowMs: 9 });
      const before = written.length;
      await catalog.journalPeople({});
      const again = written.slice(before).map(({ body }) => JSON.stringify(body));
      for (const { body } of written.slice(before - 4, before))
        assert.ok(again.includes(JSON.stringify(body)));
      const after = written.length;
      await catalog.journalPeople({});
      assert.equal(written.length, after);
    });
  });

  it('has all that the catalog has of vaults, again if asked', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      const { no: vaultNo } = await c.makeVault('restated');
      const { account, region } = c.owner;
      const vault = { account, region, vault: 'restated' };
      await catalog.addTags({ vaultNo, tags: { a: 'b' } });
      await catalog.setVaultAccessPolicy({ vaultNo, policy: '{}' });
      await catalog.initiateVaultLock({ vaultNo, policy: '{"l":1}', lockIdHash: 'h', nowMs: START_MS });
      const { id: uploadId } = await c.startUpload(await c.vault('restated'));
      const policy = { strategy: 'FreeTier' } as const;
      await catalog.setRetrievalPolicy({ owner: c.owner, policy });
      const before = fresh().map(({ body }) => JSON.stringify(body, Object.keys(body).sort()));
      written.length = 0;
      const last = await catalog.journalCatalog({ after: vaultNo - 1 });
      assert.equal(await catalog.journalCatalog({ after: last }), null);
      await catalog.journalCatalog({ after: null });
      const again = written.map(({ body }) => body).filter((body) => body['account'] === account);
      const none = { type: 'vault-notifications', ...vault, topic: null, events: [] };
      assert.ok(again.some((body) => isDeepStrictEqual(body, none)));
      const texts = again.map((body) => JSON.stringify(body, Object.keys(body).sort()));
      for (const text of before) assert.ok(texts.includes(text), text);
      assert.ok(again.some((body) => body['uploadId'] === uploadId));
    });
  });

  it('gets no entry of a refused write', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      const upload = await c.startUpload(await c.makeVault());
      await refused('not-found', c.abort({ ...upload, id: 'unknown' }));
      await refused('invalid', c.complete(upload, declare([c.newPart(upload, 0)])));
      await refused('limit-reached', c.makeVault('more', { limit: 1 }));
      assert.equal(await c.deleteVault('never made'), false);
    });
    assert.deepEqual(typesOf(fresh()), ['vault-created', 'upload-started']);
  });

  it('delays the answer of a write until its entry is durable', async () => {
    let called: () => void = () => {};
    let release: () => void = () => {};
    const asked = new Promise<void>((resolve) => {
      called = resolve;
    });
    const durable = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow: Journal = () => {
      called();
      return durable;
    };
    await using(slow, async (catalog) => {
      let answered = false;
      const making = new Customer(catalog).makeVault().then(() => {
        answered = true;
      });
      await asked;
      for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
      assert.equal(answered, false);
      release();
      await making;
    });
  });

  it('fails the write when it fails, and gets the entry at the next start', async () => {
    const broken: Journal = () => Promise.reject(new Error('the disk is gone'));
    const account = await using(broken, async (catalog) => {
      const c = new Customer(catalog);
      await assert.rejects(c.makeVault(), /the disk is gone/);
      return c.account;
    });
    await using(keep, async (catalog) => {
      const left = async () =>
        (await catalog.listOutbox(1000)).filter(({ body }) => body['account'] === account);
      assert.deepEqual(typesOf(await left()), ['vault-created']);
      await new Customer(catalog).makeVault();
      await catalog.dropFromOutbox({ seqs: (await left()).map(({ seq }) => seq) });
      assert.deepEqual(await left(), []);
    });
  });

  it('gets the entry after a failure, before any answer that depends on it', async () => {
    written.length = 0;
    let failures = 2;
    const faltering: Journal = (entries) =>
      failures-- > 0 ? Promise.reject(new Error('not just now')) : keep(entries);
    await using(faltering, async (catalog) => {
      const c = new Customer(catalog);
      await assert.rejects(c.makeVault(), /not just now/);
      await assert.rejects(c.makeVault(), /not just now/);
      assert.deepEqual(written, []);
      await c.makeVault();
      assert.deepEqual(typesOf(fresh()), ['vault-created']);
      await c.makeVault('another');
      assert.deepEqual(typesOf(fresh()), ['vault-created', 'vault-created']);
    });
  });

  /** Only the newest entry may be appended again, because it has the greatest number. */
  const onlyNewestIsLeft = () =>
    using(keep, async (catalog) => {
      const seqs = written.map(({ seq }) => seq);
      const older = seqs.filter((seq) => seq < Math.max(...seqs));
      const left = (await catalog.listOutbox(1000)).map(({ seq }) => seq);
      assert.deepEqual(
        left.filter((seq) => older.includes(seq)),
        [],
      );
    });

  it('has every entry of concurrent writes, and leaves none for the next start', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      await Promise.all(Array.from({ length: 600 }, (_, i) => c.makeVault(`v${i}`)));
      await c.makeVault('last');
    });
    assert.equal(fresh().length, 601);
    assert.equal(new Set(fresh().map(({ seq }) => seq)).size, 601);
    assert.equal(new Set(fresh().map(({ body }) => body['vault'])).size, 601);
    await onlyNewestIsLeft();
  });

  it('has every entry of sequential writes, and the outbox does not grow', async () => {
    written.length = 0;
    await using(keep, async (catalog) => {
      const c = new Customer(catalog);
      for (let i = 0; i < 100; i++) await c.makeVault(`v${i}`);
      const left = await catalog.listOutbox(1000);
      assert.ok(left.length < 70, `${left.length} of 100 are still listed`);
    });
    assert.equal(fresh().length, 100);
    await onlyNewestIsLeft();
  });

  it('never gets the same number twice, even after all earlier entries were dropped', async () => {
    written.length = 0;
    const seqs: number[] = [];
    for (let i = 0; i < 3; i++) {
      await using(keep, (catalog) => new Customer(catalog).makeVault());
      seqs.push(...fresh().map(({ seq }) => seq));
      written.length = 0;
    }
    assert.equal(new Set(seqs).size, 3);
    assert.deepEqual(
      seqs,
      [...seqs].sort((a, b) => a - b),
    );
  });
}
