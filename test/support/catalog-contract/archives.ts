import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ArchiveRange, StoredArchive } from '../../../src/domain/archive-catalog.ts';
import type { InventoryKey, Page } from '../../../src/domain/page.ts';
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

  it('are listed by creation in both directions, page by page', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    await c.addArchive(other, { createdMs: 200 });
    const added = [];
    for (const createdMs of [300, 100, 200, 200, 400]) added.push(await c.addArchive(vault, { createdMs }));
    const [c300, c100, c200, again, c400] = added.map(({ id }) => id);
    const list = async (range: Partial<ArchiveRange>) => {
      const ids: string[] = [];
      for (let after: InventoryKey | null = null; ; ) {
        const whole = { fromMs: null, beforeMs: null, newestFirst: false, ...range };
        const page: Page<StoredArchive> = await c.catalog.listArchives(vault.no, whole, { after, limit: 2 });
        assert.ok(page.rows.length <= 2);
        ids.push(...page.rows.map(({ id }) => id));
        const last = page.rows.at(-1);
        after = last ? { createdMs: last.createdMs, no: last.no } : after;
        if (!page.more) return ids;
      }
    };
    assert.deepEqual(await list({}), [c100, c200, again, c300, c400]);
    assert.deepEqual(await list({ newestFirst: true }), [c400, c300, again, c200, c100]);
    assert.deepEqual(await list({ fromMs: 200, beforeMs: 400 }), [c200, again, c300]);
    assert.deepEqual(await list({ fromMs: 201, newestFirst: true }), [c400, c300]);
    assert.deepEqual(await list({ fromMs: 401 }), []);
  });

  it('are found by number, in their vault only', async () => {
    const c = customer();
    const [vault, other] = [await c.makeVault(), await c.makeVault('other')];
    const [one, two] = [await c.addArchive(vault), await c.addArchive(other)];
    const found = await Promise.all(
      [one, two].map(async ({ vaultNo, id }) => (await c.catalog.findArchive(vaultNo, id)) ?? assert.fail()),
    );
    const nos = found.map(({ no }) => no);
    assert.deepEqual(await c.catalog.findArchivesByNo(vault.no, nos), [found[0]]);
    assert.deepEqual(await c.catalog.findArchivesByNo(other.no, [...nos, 999_999_999]), [found[1]]);
    assert.deepEqual(await c.catalog.findArchivesByNo(vault.no, []), []);
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
