import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { BlobLabel } from '../../../src/domain/blob-store.ts';
import type { NewPart } from '../../../src/domain/upload-catalog.ts';
import { allGarbage, type Customer, declare, type NewCustomer, START_MS } from './customer.ts';

export function garbage(customer: NewCustomer): void {
  it('is listed oldest first, page by page, until it is dropped', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const refs: (string | null)[] = [];
    for (let i = 0; i < 5; i++) {
      const archive = await c.addArchive(vault);
      await c.deleteArchive(archive);
      refs.push(archive.ref);
    }
    const all = await allGarbage(c.catalog);
    const mine = all.filter(({ ref }) => refs.includes(ref));
    assert.deepEqual(
      mine.map(({ ref }) => ref),
      refs,
    );
    const start = (mine[0]?.no ?? 0) - 1;
    const { rows, more } = await c.catalog.listGarbage({ after: start, limit: 2 });
    assert.deepEqual([rows, more], [mine.slice(0, 2), true]);
    await c.catalog.dropGarbage({ nos: mine.slice(0, 3).map(({ no }) => no) });
    const left = (await allGarbage(c.catalog)).filter(({ ref }) => refs.includes(ref));
    assert.deepEqual(left, mine.slice(3));
  });

  it('holds the parts of a deleted multipart archive until they are dropped', async () => {
    const c = customer();
    const { upload, declared } = await c.uploadOf(await c.makeVault(), 3);
    await c.complete(upload, declared);
    await c.deleteArchive({ vaultNo: upload.vaultNo, id: upload.archiveId });
    const entry = (await allGarbage(c.catalog)).find(({ uploadNo }) => uploadNo === upload.no);
    assert.equal(entry?.ref, null);
    const refs = await c.catalog.partRefs(upload.no, 2);
    await c.catalog.dropParts({ uploadNo: upload.no, refs });
    const rest = await c.catalog.partRefs(upload.no, 9);
    assert.deepEqual([refs.length, rest.length], [2, 2]);
    await c.catalog.dropParts({ uploadNo: upload.no, refs: rest });
    assert.deepEqual(await c.catalog.partRefs(upload.no, 9), []);
  });
}

export function namedBlobs(customer: NewCustomer): void {
  const label = (c: Customer, changes: Partial<BlobLabel>): BlobLabel => {
    const { name: vault, ...owner } = c.key();
    const facts = { description: null, createdMs: START_MS, sequence: 1, offset: 0 };
    return { kind: 'archive', ...owner, vault, archiveId: '', ...facts, ...changes };
  };

  it('include those of archives, until the archives are deleted', async () => {
    const c = customer();
    const archive = await c.addArchive(await c.makeVault());
    const mine = label(c, { archiveId: archive.id });
    assert.equal(await c.catalog.namesBlob(mine, archive.ref), true);
    assert.equal(await c.catalog.namesBlob(mine, 'another blob'), false);
    assert.equal(await c.catalog.namesBlob({ ...mine, vault: 'other' }, archive.ref), false);
    assert.equal(await c.catalog.namesBlob({ ...mine, archiveId: 'other' }, archive.ref), false);
    await c.deleteArchive(archive);
    assert.equal(await c.catalog.namesBlob(mine, archive.ref), false);
  });

  it('include those of current parts', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const [old, other] = [await c.putPart(upload, 0), await c.putPart(upload, 1)];
    const renewed = await c.putPart(upload, 0);
    const { archiveId, id: uploadId } = upload;
    const named = ({ first, ref }: NewPart) =>
      c.catalog.namesBlob(label(c, { kind: 'part', archiveId, uploadId, offset: first }), ref);
    assert.deepEqual([await named(old), await named(renewed), await named(other)], [false, true, true]);
  });

  it('include those of a completed upload as long as its archive exists', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const part = await c.putPart(upload, 0);
    const { archiveId, id: uploadId } = upload;
    const named = () => c.catalog.namesBlob(label(c, { kind: 'part', archiveId, uploadId }), part.ref);
    await c.complete(upload, declare([part]), { nowMs: 1000 });
    assert.equal(await named(), true);
    await c.catalog.forgetUploads({ endedBeforeMs: 1001 });
    assert.equal(await named(), true, 'the upload is no longer remembered, but its archive needs the part');
    await c.deleteArchive({ vaultNo: upload.vaultNo, id: archiveId });
    assert.equal(await named(), false);
  });
}
