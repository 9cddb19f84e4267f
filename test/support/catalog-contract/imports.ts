import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NewImport, NewImportUpload } from '../../../src/domain/import-catalog.ts';
import type { Upload } from '../../../src/domain/upload.ts';
import {
  type Customer,
  declare,
  hashOf,
  MIB,
  type NewCustomer,
  refused,
  START_MS,
  unique,
} from './customer.ts';

const unusable = (write: Promise<unknown>) => refused('invalid', write);

/** Imports whose ids are of the same archive, or of another one. */
function rivals(archive: NewImport, otherVaultNo: number): NewImport[] {
  return [
    { ...archive, size: archive.size + 1 },
    { ...archive, treeHash: hashOf('other') },
    { ...archive, vaultNo: otherVaultNo },
  ];
}

export function imports(customer: NewCustomer): void {
  it('have the id and the dates that were given, and count as written when they arrive', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.importArchive(vault, { createdMs: 1000, arrivedMs: 5000, size: 77 });
    const found = await c.catalog.findArchive(vault.no, archive.id);
    assert.deepEqual([found?.createdMs, found?.arrivedMs, found?.ref], [1000, 5000, archive.ref]);
    const { archives, bytes, writtenMs } = await c.vault();
    assert.deepEqual([archives, bytes, writtenMs], [1, 77, 5000]);
    assert.deepEqual(await c.catalog.findImportedId(archive.id), { vaultNo: vault.no, isClaimed: false });
    assert.equal(await c.catalog.findImportedId('unknown'), undefined);
  });

  it('of the same bytes into the same vault are answered alike, and make one archive', async () => {
    const c = customer();
    const archive = await c.importArchive(await c.makeVault());
    assert.equal(await c.claim(archive), 'there');
    assert.equal(await c.catalog.importArchive({ ...archive, ref: 'another blob' }), 'there');
    assert.equal((await c.catalog.findArchive(archive.vaultNo, archive.id))?.ref, archive.ref);
    assert.equal((await c.vault()).archives, 1);
  });

  it('are refused for an id in use, whoever has it, and for one of a deleted archive', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const archive = await c.importArchive(vault);
    const stranger = customer();
    const strangers = { ...archive, vaultNo: (await stranger.makeVault()).no };
    const all = [...rivals(archive, other.no), strangers];
    for (const one of all) {
      await unusable(c.claim(one));
      await unusable(c.catalog.importArchive(one));
    }
    await c.deleteArchive(archive);
    for (const one of [archive, ...all]) {
      await unusable(c.claim(one));
      await unusable(c.catalog.importArchive(one));
      await unusable(c.catalog.startImport(c.newImportUpload(vault, { archiveId: one.id })));
    }
    assert.deepEqual(await c.catalog.findImportedId(archive.id), { vaultNo: vault.no, isClaimed: false });
    await c.deleteVault();
    await unusable(c.claim({ ...archive, vaultNo: other.no }));
  });

  it('claim their ids before their bytes are stored; the same bytes share a claim', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const archive = c.newImport(vault.no);
    assert.equal(await c.claim(archive, 'first'), 'claimed');
    assert.deepEqual(await c.catalog.findImportedId(archive.id), { vaultNo: vault.no, isClaimed: true });
    for (const one of rivals(archive, other.no)) {
      await unusable(c.claim(one));
      await unusable(c.catalog.importArchive(one));
    }
    await unusable(c.catalog.startImport(c.newImportUpload(vault, { archiveId: archive.id })));
    assert.equal(await c.claim(archive, 'second'), 'claimed');
    assert.equal(await c.catalog.importArchive(archive), 'added');
    assert.equal(await c.catalog.importArchive({ ...archive, ref: 'of the second' }), 'there');
  });

  it('release their ids, unless another request has taken them over or the archive is there', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const archive = c.newImport(vault.no);
    const release = (token: string) => c.catalog.releaseArchiveId({ archiveId: archive.id, token });
    const [larger] = rivals(archive, other.no) as [NewImport];
    await c.claim(archive, 'first');
    await c.claim(archive, 'second');
    await release('first');
    await unusable(c.claim(larger));
    await release('second');
    assert.equal(await c.catalog.findImportedId(archive.id), undefined);
    assert.equal(await c.claim(larger, 'third'), 'claimed');
    assert.equal(await c.catalog.importArchive(larger), 'added');
    await release('third');
    assert.equal(await c.claim(larger), 'there');
  });

  it('are added although the claim was released meanwhile', async () => {
    const c = customer();
    const archive = c.newImport((await c.makeVault()).no);
    await c.claim(archive, 'one');
    await c.catalog.releaseArchiveId({ archiveId: archive.id, token: 'one' });
    assert.equal(await c.catalog.importArchive(archive), 'added');
    await unusable(c.claim({ ...archive, size: archive.size + 1 }));
  });

  it('are refused for ids that are noted as used', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const known = await c.importArchive(vault);
    const used = c.newImport(vault.no);
    await c.catalog.noteUsedIds({ archiveIds: [known.id, used.id, used.id] });
    await unusable(c.claim(used));
    assert.equal(await c.claim(known), 'there');
    assert.deepEqual(await c.catalog.findImportedId(known.id), { vaultNo: vault.no, isClaimed: false });
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    await refused('not-found', c.catalog.importArchive(c.newImport(await c.goneVault())));
  });

  it('of one id at the same time make one archive', async () => {
    const c = customer();
    const vaults = [await c.makeVault('a'), await c.makeVault('b')];
    for (let round = 0; round < 5; round++) {
      const id = `raced-${unique()}`;
      const all = Array.from({ length: 8 }, (_, i) =>
        c.newImport(vaults[i % 2]?.no ?? 0, {
          id,
          size: 10 + (i >> 2),
          treeHash: hashOf(i >> 2),
          ref: `${id}-${i}`,
        }),
      );
      const tries = all.map(async (one) => {
        await c.claim(one);
        return c.catalog.importArchive(one);
      });
      const ended = await Promise.allSettled(tries);
      const added = all.filter((_, i) => (ended[i] as PromiseFulfilledResult<string>).value === 'added');
      assert.equal(added.length, 1);
      for (const one of ended) if (one.status === 'rejected') await unusable(Promise.reject(one.reason));
      const found = await Promise.all(vaults.map(({ no }) => c.catalog.findArchive(no, id)));
      assert.deepEqual(
        found.flatMap((one) => (one ? [one.ref] : [])),
        added.map(({ ref }) => ref),
      );
    }
  });
}

export function multipartImports(customer: NewCustomer): void {
  const start = async (c: Customer, changes: Partial<NewImportUpload> = {}) => {
    const order = c.newImportUpload(await c.makeVault(), changes);
    assert.equal(await c.catalog.startImport(order), order.id);
    const upload = (await c.catalog.findUpload(order.vaultNo, order.id)) as Upload;
    return { order, upload };
  };
  const complete = async (c: Customer, upload: Upload, nowMs: number) => {
    const parts = [await c.putPart(upload, 0), await c.putPart(upload, 1, { size: 7 })];
    await c.complete(upload, declare(parts), { nowMs });
    return parts;
  };

  it('give their archive its id and dates when they are complete', async () => {
    const c = customer();
    for (const [givenMs, expected] of [
      [1000, [1000, 9000]],
      [null, [9000, 9000]],
    ] as const) {
      const { order, upload } = await start(c, { givenMs });
      await complete(c, upload, 9000);
      const found = await c.catalog.findArchive(order.vaultNo, order.archiveId);
      assert.deepEqual([found?.createdMs, found?.arrivedMs], expected);
    }
    assert.equal((await c.vault()).writtenMs, 9000);
  });

  it('are started once: a repeat gets the same upload while it is open', async () => {
    const c = customer();
    const { order, upload } = await start(c);
    const repeat = (changes: Partial<NewImportUpload> = {}) =>
      c.catalog.startImport({ ...order, id: `upload-${unique()}`, createdMs: START_MS + 1, ...changes });
    assert.equal(await repeat(), order.id);
    assert.equal(await repeat(), order.id);
    const other = await c.makeVault('other');
    for (const changes of [
      { partSize: 2 * MIB },
      { description: 'another' },
      { importedBy: '999999999999' },
      { givenMs: 1001 },
      { givenMs: null },
      { vaultNo: other.no },
    ])
      await unusable(repeat(changes));
    const { rows } = await c.catalog.listUploads(order.vaultNo, { after: null, limit: 9 });
    assert.deepEqual(rows, [upload]);
    await complete(c, upload, START_MS);
    await unusable(repeat());
  });

  it('reserve their ids while they are open', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const ends: readonly ((upload: Upload) => Promise<unknown>)[] = [
      (upload) => c.abort(upload),
      ({ no }) => c.catalog.expireUpload({ uploadNo: no, beforeMs: 2 * START_MS, nowMs: 2 * START_MS }),
      () => c.deleteVault(),
    ];
    for (const end of ends) {
      const { order, upload } = await start(c);
      const archive = c.newImport(vault.no, { id: order.archiveId });
      await unusable(c.claim(archive));
      await unusable(c.catalog.importArchive(archive));
      await end(upload);
      assert.equal(await c.catalog.findImportedId(order.archiveId), undefined);
      const again = c.newImportUpload(await c.makeVault(), { archiveId: order.archiveId });
      assert.equal(await c.catalog.startImport(again), again.id);
    }
  });

  it('keep their ids when their vault is deleted, once they were complete', async () => {
    const c = customer();
    const { order, upload } = await start(c);
    await complete(c, upload, START_MS);
    await c.deleteArchive({ vaultNo: order.vaultNo, id: order.archiveId });
    await c.deleteVault();
    const vault = await c.makeVault();
    await unusable(c.catalog.startImport({ ...order, vaultNo: vault.no, id: 'another' }));
  });

  it('of one id at the same time make one upload', async () => {
    const c = customer();
    const order = c.newImportUpload(await c.makeVault());
    const tries = Array.from({ length: 6 }, (_, i) =>
      c.catalog.startImport({ ...order, id: `${order.id}-${i}` }),
    );
    const single = c.newImport(order.vaultNo, { id: order.archiveId });
    const claim = c.claim(single).then(
      () => 'claimed',
      () => 'refused',
    );
    const ended = await Promise.allSettled(tries);
    const ids = new Set(ended.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])));
    const { rows } = await c.catalog.listUploads(order.vaultNo, { after: null, limit: 9 });
    assert.deepEqual(
      [...ids],
      rows.map(({ id }) => id),
    );
    assert.equal(rows.length, (await claim) === 'claimed' ? 0 : 1);
    for (const one of ended) if (one.status === 'rejected') await unusable(Promise.reject(one.reason));
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const order = c.newImportUpload(await c.makeVault());
    await refused('not-found', c.catalog.startImport({ ...order, vaultNo: await c.goneVault() }));
  });
}
