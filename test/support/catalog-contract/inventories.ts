import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { InventoryScope } from '../../../src/domain/inventory-catalog.ts';
import type { InventoryKey, Paging } from '../../../src/domain/page.ts';
import type { Vault } from '../../../src/domain/vault.ts';
import { allPages, type Customer, type NewCustomer, refused } from './customer.ts';
import { DUE_MS, foundJob, inventoryJob, startJob } from './job-fixtures.ts';

const LEASE_MS = 100;
const OUTPUT = { ref: 'the output', size: 99, nextMarker: 'next' };
const claim = (c: Customer, token: string, nowMs = DUE_MS) =>
  c.catalog.leaseInventoryJob({ token, nowMs, leaseMs: LEASE_MS });
const finishAs = (c: Customer, token: string, jobNo: number) =>
  c.catalog.finishInventoryJob({ jobNo, token, output: OUTPUT, nowMs: DUE_MS + 5 });

export function inventoryJobs(customer: NewCustomer): void {
  it('are leased by one worker when they are due, and finished with their output', async () => {
    const c = customer();
    const job = await startJob(c, inventoryJob(await c.makeVault()));
    assert.equal(await claim(c, 'early', DUE_MS - 1), null);
    const leased = await claim(c, 'mine');
    assert.deepEqual({ ...leased?.vault }, c.key());
    assert.deepEqual([leased?.job.no, leased?.snapshot], [job.no, null]);
    assert.equal(await claim(c, 'other'), null);
    assert.equal(await finishAs(c, 'other', job.no), false);
    assert.equal(await finishAs(c, 'mine', job.no), true);
    assert.equal(await finishAs(c, 'mine', job.no), false);
    const done = { state: 'Succeeded', completedMs: DUE_MS + 5, output: OUTPUT };
    assert.deepEqual(await foundJob(c, job), { ...job, ...done });
  });

  it('go to another worker if the first does not renew its lease', async () => {
    const c = customer();
    const { no: jobNo } = await startJob(c, inventoryJob(await c.makeVault()));
    const renew = (token: string, nowMs: number) =>
      c.catalog.renewInventoryLease({ jobNo, token, nowMs, leaseMs: LEASE_MS });
    await claim(c, 'first');
    assert.equal(await renew('first', DUE_MS + 50), true);
    assert.equal(await claim(c, 'second', DUE_MS + 149), null);
    assert.equal((await claim(c, 'second', DUE_MS + 150))?.job.no, jobNo);
    assert.deepEqual(
      [await renew('first', DUE_MS + 151), await renew('second', DUE_MS + 151)],
      [false, true],
    );
    assert.deepEqual([await finishAs(c, 'first', jobNo), await finishAs(c, 'second', jobNo)], [false, true]);
  });

  it('are each leased once by concurrent workers', async () => {
    const c = customer();
    const vault = await c.makeVault();
    for (let i = 0; i < 4; i++) await startJob(c, inventoryJob(vault));
    const workers = Array.from({ length: 10 }, (_, i) => claim(c, `worker ${i}`));
    const claimed = (await Promise.all(workers)).flatMap((one) => (one ? [one.job.no] : []));
    assert.equal(new Set(claimed).size, 4);
    assert.equal(claimed.length, 4);
  });
}

export function inventories(customer: NewCustomer): void {
  const NOW: InventoryScope = { startMs: null, endMs: null, asOfMs: null };
  const idsOf = async (c: Customer, vault: Vault, scope: InventoryScope, limit = 100) => {
    const entries = await allPages(
      (page: Paging<InventoryKey>) => c.catalog.listInventory(vault.no, scope, page),
      ({ createdMs, no }) => ({ createdMs, no }),
      limit,
    );
    return entries.map(({ id }) => id);
  };

  it('list a vault’s archives by creation, page by page', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const added: { id: string; createdMs: number }[] = [];
    for (const createdMs of [30, 10, 20, 20, 20, 40, 10])
      added.push(await c.addArchive(vault, { createdMs }));
    await c.addArchive(await c.makeVault('other'));
    // Archives of the same time are listed in the order in which they were added.
    const inOrder = added
      .map((one, i) => ({ ...one, i }))
      .sort((a, b) => a.createdMs - b.createdMs || a.i - b.i);
    const ids = inOrder.map(({ id }) => id);
    for (const limit of [1, 2, 3, 100]) assert.deepEqual(await idsOf(c, vault, NOW, limit), ids);
    assert.deepEqual(await idsOf(c, vault, { ...NOW, startMs: 20 }), ids.slice(2));
    assert.deepEqual(await idsOf(c, vault, { ...NOW, endMs: 20 }), ids.slice(0, 2));
    assert.deepEqual(await idsOf(c, vault, { ...NOW, startMs: 20, endMs: 30 }, 2), ids.slice(2, 5));
  });

  it('show all members of an archive', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const {
      ref: _,
      vaultNo: __,
      sequence: ___,
      ...archive
    } = await c.addArchive(vault, {
      description: '"quoted", ü',
    });
    const { rows } = await c.catalog.listInventory(vault.no, NOW, { after: null, limit: 9 });
    assert.deepEqual(rows, [{ ...archive, no: rows[0]?.no }]);
  });

  it('taken at intervals keep showing the vault as it was', async () => {
    const c = customer();
    const vault = await c.makeVault('photos', { nowMs: 0 });
    const take = (nowMs: number) => c.catalog.takeInventories({ nowMs, intervalMs: 100, limit: 10 });
    const remove = ({ id }: { id: string }, nowMs: number) =>
      c.catalog.deleteArchive({ vaultNo: vault.no, id, nowMs, mode: 'periodic', policyVersion: 0 });
    assert.equal(await take(1000), 0, 'a vault without writes has no inventory');
    const [kept, gone] = [
      await c.addArchive(vault, { createdMs: 1000, size: 5 }),
      await c.addArchive(vault, { createdMs: 1010, size: 7 }),
    ];
    assert.deepEqual([await take(1099), await take(1100), await take(1100)], [0, 1, 0]);
    const snapshot = { takenMs: 1100, archives: 2, bytes: 12 };
    assert.deepEqual((await c.vault()).inventory, snapshot);

    await remove(gone, 1150);
    const late = await c.addArchive(vault, { createdMs: 1160, size: 1 });
    assert.deepEqual((await c.vault()).inventory, snapshot);
    assert.deepEqual(await idsOf(c, vault, { ...NOW, asOfMs: 1100 }, 1), [kept.id, gone.id]);
    assert.deepEqual(await idsOf(c, vault, NOW), [kept.id, late.id]);
    assert.equal(await c.catalog.nextEventMs(100), 1200);

    assert.deepEqual([await take(1199), await take(1200)], [0, 1]);
    assert.deepEqual((await c.vault()).inventory, { takenMs: 1200, archives: 2, bytes: 6 });
    assert.deepEqual(await idsOf(c, vault, { ...NOW, asOfMs: 1200 }), [kept.id, late.id]);
    assert.equal(await take(5000), 0, 'no new inventory is taken without a write');
  });

  it('taken at intervals decide when a vault can be deleted', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const remove = () => c.deleteVault('photos', 'periodic');
    const { id } = await c.addArchive(vault, { createdMs: 1000 });
    await c.catalog.deleteArchive({ vaultNo: vault.no, id, nowMs: 1010, mode: 'periodic', policyVersion: 0 });
    await refused('invalid', remove());
    await c.catalog.takeInventories({ nowMs: 1200, intervalMs: 100, limit: 10 });
    assert.equal(await remove(), true);
  });
}
