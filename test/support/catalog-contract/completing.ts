import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { DeclaredArchive, Upload } from '../../../src/domain/upload.ts';
import { type Customer, declare, hashOf, type NewCustomer, refused } from './customer.ts';

export function completing(customer: NewCustomer): void {
  it("makes an archive of the parts, with the upload's description", async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { upload, declared } = await c.uploadOf(vault, 4);
    const outcome = await c.complete(upload, declared, { nowMs: 4711 });
    const { archiveId, description } = upload;
    assert.deepEqual(outcome, { kind: 'completed', archiveId, treeHash: declared.treeHash });
    const archive = await c.catalog.findArchive(vault.no, archiveId);
    assert.ok(archive);
    const { size, treeHash } = declared;
    const expected = { id: archiveId, description, createdMs: 4711, size, treeHash };
    assert.deepEqual({ ...archive, ...expected }, archive);
    const { archives: count, bytes, writtenMs } = await c.vault();
    assert.deepEqual([count, bytes, writtenMs], [1, size, 4711]);
    assert.equal(await c.catalog.findUpload(vault.no, upload.id), undefined);
  });

  it('is refused for missing parts and wrong declarations, and can be retried', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const upload = await c.startUpload(vault);
    const bad = (declared: DeclaredArchive) => refused('invalid', c.complete(upload, declared));
    const wrong = { size: 1, treeHash: hashOf('wrong') };
    await bad(wrong); // no parts
    const third = await c.putPart(upload, 2, { size: 5 });
    await bad(declare([third])); // the first part is missing
    const short = await c.putPart(upload, 0, { size: 9 });
    await bad(declare([short, third])); // a short part before the last
    const first = await c.putPart(upload, 0);
    await bad(declare([first, third])); // a part in the middle is missing
    const second = await c.putPart(upload, 1);
    const whole = declare([first, second, third]);
    assert.deepEqual(await c.complete(upload, { ...whole, size: whole.size + 1 }), {
      kind: 'wrong-size',
      size: whole.size,
    });
    assert.deepEqual(await c.complete(upload, { ...whole, treeHash: wrong.treeHash }), {
      kind: 'wrong-hash',
      uploadNo: upload.no,
    });
    assert.equal((await c.vault()).archives, 0);
    assert.deepEqual(await c.catalog.findUpload(vault.no, upload.id), upload);
    assert.equal((await c.complete(upload, whole)).kind, 'completed');
  });

  it('uses the latest version of a part that was sent again', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const [old, other] = [await c.putPart(upload, 0), await c.putPart(upload, 1)];
    const renewed = await c.putPart(upload, 0);
    assert.equal((await c.complete(upload, declare([old, other]))).kind, 'wrong-hash');
    assert.equal((await c.complete(upload, declare([renewed, other]))).kind, 'completed');
  });

  it('is refused for an upload that is unknown, aborted, or in another vault', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const { upload, declared } = await c.uploadOf(vault, 1);
    const gone = (target: Pick<Upload, 'vaultNo' | 'id'>) =>
      refused('not-found', c.complete(target, declared));
    await gone({ vaultNo: vault.no, id: 'unknown' });
    await gone({ vaultNo: other.no, id: upload.id });
    await gone({ vaultNo: await c.goneVault(), id: upload.id });
    await c.abort(upload);
    await gone(upload);
  });
}

export function repeats(customer: NewCustomer): void {
  const completed = async (c: Customer) => {
    const { upload, declared } = await c.uploadOf(await c.makeVault(), 2);
    return { upload, claim: declared, outcome: await c.complete(upload, declared, { nowMs: 1000 }) };
  };

  it('of a Complete return the same archive id and make one archive', async () => {
    const c = customer();
    const { upload, claim: declared, outcome } = await completed(c);
    for (const nowMs of [1000, 2000]) {
      assert.deepEqual(await c.complete(upload, declared, { nowMs, rememberedSinceMs: 1000 }), outcome);
    }
    assert.equal((await c.vault()).archives, 1);
  });

  it('of a Complete must declare the same size and hash', async () => {
    const c = customer();
    const { upload, claim: done } = await completed(c);
    for (const other of [{ size: done.size + 1 }, { treeHash: hashOf('other') }])
      assert.deepEqual(await c.complete(upload, { ...done, ...other }), { kind: 'repeat-differs', done });
  });

  it('of a Complete succeed even after the archive was deleted', async () => {
    const c = customer();
    const { upload, claim: declared, outcome } = await completed(c);
    await c.deleteArchive({ vaultNo: upload.vaultNo, id: upload.archiveId });
    assert.deepEqual(await c.complete(upload, declared), outcome);
    assert.equal((await c.vault()).archives, 0);
  });

  it('of a Complete are refused after the remembered time, and the archive is kept', async () => {
    const c = customer();
    const { upload, claim: declared } = await completed(c);
    const later = { nowMs: 5000, rememberedSinceMs: 1001 };
    await refused('not-found', c.complete(upload, declared, later));
    await c.catalog.forgetUploads({ endedBeforeMs: 1000 });
    assert.equal((await c.complete(upload, declared)).kind, 'completed', 'forgotten too early');
    await c.catalog.forgetUploads({ endedBeforeMs: 1001 });
    await refused('not-found', c.complete(upload, declared));
    assert.ok(await c.catalog.findArchive(upload.vaultNo, upload.archiveId));
    assert.equal((await c.catalog.partRefs(upload.no, 9)).length, 3);
  });

  it('of an Abort succeed within the remembered time', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    await c.abort(upload, { nowMs: 1000 });
    await c.abort(upload, { nowMs: 2000, rememberedSinceMs: 1000 });
    await refused('not-found', c.abort(upload, { nowMs: 2000, rememberedSinceMs: 1001 }));
    await c.catalog.forgetUploads({ endedBeforeMs: 1001 });
    await refused('not-found', c.abort(upload));
  });
}
