import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Paging } from '../../../src/domain/page.ts';
import type { Part, Upload } from '../../../src/domain/upload.ts';
import type { NewPart } from '../../../src/domain/upload-catalog.ts';
import {
  allGarbage,
  allPages,
  type Customer,
  declare,
  MIB,
  type NewCustomer,
  refused,
  START_MS,
  unique,
} from './customer.ts';

export function uploads(customer: NewCustomer): void {
  it('are found as started, in their vault only', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const facts = { archiveId: 'the archive', description: null, partSize: 4_294_967_296, createdMs: 77 };
    const id = `upload-${unique()}`;
    await c.catalog.startUpload({ vaultNo: vault.no, id, ...facts });
    const found = await c.catalog.findUpload(vault.no, id);
    assert.ok(found && found.no > 0);
    assert.deepEqual(found, { no: found.no, vaultNo: vault.no, id, ...facts });
    assert.equal(await c.catalog.findUpload(other.no, id), undefined);
    assert.equal(await c.catalog.findUpload(vault.no, 'unknown'), undefined);
  });

  it('are listed oldest first, page by page, while they are in progress', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const started: Upload[] = [];
    for (let i = 0; i < 7; i++) started.push(await c.startUpload(vault, { createdMs: 1000 - i }));
    const [aborted, completed] = [started[2] as Upload, started[5] as Upload];
    await c.abort(aborted);
    await c.complete(completed, declare([await c.putPart(completed, 0)]));
    const open = started.filter((upload) => upload !== aborted && upload !== completed);
    for (const limit of [1, 2, 3, 5, 50]) {
      const listed = await allPages(
        (page: Paging<number>) => c.catalog.listUploads(vault.no, page),
        ({ no }) => no,
        limit,
      );
      assert.deepEqual(listed, open);
    }
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const facts = { archiveId: 'a', description: null, partSize: MIB, createdMs: 1 };
    const start = c.catalog.startUpload({ vaultNo: await c.goneVault(), id: 'u', ...facts });
    await refused('not-found', start);
  });
}

export function parts(customer: NewCustomer): void {
  const listed = (c: Customer, { no }: Upload, limit = 1000) =>
    allPages(
      (page: Paging<number>) => c.catalog.listParts(no, page),
      (part) => part.first,
      limit,
    );
  const withoutRef = ({ ref: _, ...part }: NewPart): Part => part;

  it('are listed by offset, in whatever order they arrived', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const put: NewPart[] = [];
    for (const index of [3, 0, 9999, 4, 1]) put.push(await c.putPart(upload, index));
    put.sort((a, b) => a.first - b.first);
    for (const limit of [1, 2, 5, 1000]) {
      assert.deepEqual(await listed(c, upload, limit), put.map(withoutRef));
    }
    assert.deepEqual(
      await c.catalog.partRefs(upload.no, 3),
      put.slice(0, 3).map(({ ref }) => ref),
    );
  });

  it('replace one another: the greatest sequence counts, and the others become garbage', async () => {
    const c = customer();
    const upload = await c.startUpload(await c.makeVault());
    const at = async (sequence: number) => c.putPart(upload, 0, { sequence, size: sequence });
    const [second, third, first] = [await at(20), await at(30), await at(10)];
    assert.deepEqual(await listed(c, upload), [withoutRef(third)]);
    assert.equal(await c.catalog.partSequence(upload.no, 0), 30);
    assert.equal(await c.catalog.partSequence(upload.no, MIB), 0);
    const refs = (await allGarbage(c.catalog)).map(({ ref }) => ref);
    assert.deepEqual(
      [first, second, third].map(({ ref }) => refs.includes(ref)),
      [true, true, false],
    );
  });

  it('are refused once the upload is no longer in progress', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const [aborted, completed] = [await c.startUpload(vault), await c.startUpload(vault)];
    await c.abort(aborted);
    await c.complete(completed, declare([await c.putPart(completed, 0)]));
    for (const upload of [aborted, completed, { ...completed, no: 999_999_999 }]) {
      const part = c.newPart(upload, 1);
      await refused('not-found', c.putPart(upload, 1, part));
      assert.ok(!(await c.catalog.partRefs(upload.no, 9)).includes(part.ref));
    }
  });
}

export function aborting(customer: NewCustomer): void {
  const timesListed = async (c: Customer, { no }: Upload) =>
    (await allGarbage(c.catalog)).filter(({ uploadNo }) => uploadNo === no).length;

  it('ends the upload and makes its parts garbage, once', async () => {
    const c = customer();
    const { upload } = await c.uploadOf(await c.makeVault(), 2);
    for (let i = 0; i < 2; i++) await c.abort(upload);
    assert.equal(await c.catalog.findUpload(upload.vaultNo, upload.id), undefined);
    assert.equal(await timesListed(c, upload), 1);
    assert.equal((await c.catalog.partRefs(upload.no, 9)).length, 3);
  });

  it('is refused for an upload that is unknown, completed, or in another vault', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const { upload, declared } = await c.uploadOf(vault, 1);
    await refused('not-found', c.abort({ ...upload, id: 'unknown' }));
    await refused('not-found', c.abort({ ...upload, vaultNo: other.no }));
    await c.complete(upload, declared);
    await refused('not-found', c.abort(upload));
  });

  it('happens by expiry for an upload without activity', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const [idle, active, young] = [
      await c.startUpload(vault, { createdMs: 100 }),
      await c.startUpload(vault, { createdMs: 100 }),
      await c.startUpload(vault, { createdMs: 500 }),
    ];
    await c.putPart(idle, 0, {}, 200);
    await c.putPart(active, 0, {}, 200);
    await c.putPart(active, 1, {}, 500);
    const found = (await c.catalog.idleUploads(500, 100)).filter(({ vaultNo }) => vaultNo === vault.no);
    assert.deepEqual(found, [idle]);
    for (const { no } of [idle, active, young]) {
      for (let i = 0; i < 2; i++) await c.catalog.expireUpload({ uploadNo: no, beforeMs: 500, nowMs: 600 });
    }
    const { rows } = await c.catalog.listUploads(vault.no, { after: null, limit: 9 });
    assert.deepEqual(rows, [active, young]);
    assert.equal(await timesListed(c, idle), 1);
    await refused('not-found', c.abort(idle));
  });

  it('by expiry does not affect ended uploads', async () => {
    const c = customer();
    const { upload, declared } = await c.uploadOf(await c.makeVault(), 0);
    await c.complete(upload, declared);
    await c.catalog.expireUpload({ uploadNo: upload.no, beforeMs: 2 * START_MS, nowMs: 2 * START_MS });
    assert.equal((await c.complete(upload, declared)).kind, 'completed');
    assert.equal(await timesListed(c, upload), 0);
  });
}
