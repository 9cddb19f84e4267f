import assert from 'node:assert/strict';
import { it } from 'node:test';
import { allGarbage, type NewCustomer, refused } from './customer.ts';

export function archives(customer: NewCustomer): void {
  it('are found as added, in their vault only', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    for (const changes of [
      { description: null },
      { description: '"it\'s" 100%', size: 40_000_000_000_000 },
    ]) {
      const added = await c.addArchive(vault, changes);
      const found = await c.catalog.findArchive(vault.no, added.id);
      assert.ok(found);
      const { no, id, vaultNo, description, createdMs, size, treeHash } = found;
      assert.ok(no > 0);
      const { ref: _, sequence: __, ...expected } = added;
      assert.deepEqual({ id, vaultNo, description, createdMs, size, treeHash }, expected);
      assert.equal(await c.catalog.findArchive(other.no, added.id), undefined);
    }
    assert.equal(await c.catalog.findArchive(vault.no, 'unknown'), undefined);
  });

  it('are counted, and update the time of the last write', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const added = [
      await c.addArchive(vault, { size: 10, createdMs: 100 }),
      await c.addArchive(vault, { size: 4_294_967_296, createdMs: 200 }),
    ];
    const state = async () => {
      const { archives, bytes, writtenMs } = await c.vault();
      return [archives, bytes, writtenMs];
    };
    assert.deepEqual(await state(), [2, 4_294_967_306, 200]);
    for (const [i, archive] of added.entries()) await c.deleteArchive(archive, 300 + i);
    assert.deepEqual(await state(), [0, 0, 301]);
  });

  it('are deleted once, which puts their blob on the garbage list', async () => {
    const c = customer();
    const archive = await c.addArchive(await c.makeVault());
    assert.equal(await c.deleteArchive(archive), true);
    assert.equal(await c.catalog.findArchive(archive.vaultNo, archive.id), undefined);
    assert.equal(await c.deleteArchive(archive), false);
    const listed = (await allGarbage(c.catalog)).filter(({ ref }) => ref === archive.ref);
    assert.deepEqual(
      listed.map(({ uploadNo }) => uploadNo),
      [null],
    );
  });

  it('are not deleted through another vault', async () => {
    const c = customer();
    const archive = await c.addArchive(await c.makeVault());
    const other = await c.makeVault('other');
    assert.equal(await c.deleteArchive({ vaultNo: other.no, id: archive.id }), false);
    assert.ok(await c.catalog.findArchive(archive.vaultNo, archive.id));
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const vaultNo = await c.goneVault();
    await refused('not-found', c.catalog.addArchive(c.newArchive(vaultNo)));
    await refused('not-found', c.deleteArchive({ vaultNo, id: 'any' }));
  });
}
