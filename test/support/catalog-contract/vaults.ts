import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Paging } from '../../../src/domain/page.ts';
import type { VaultKey } from '../../../src/domain/vault.ts';
import { allGarbage, allPages, type NewCustomer, refused, START_MS } from './customer.ts';

export function vaults(customer: NewCustomer): void {
  it('are found as created, empty', async () => {
    const c = customer();
    const { no, archives, bytes, writtenMs, createdMs, ...key } = await c.makeVault('photos', { nowMs: 5 });
    assert.ok(no > 0);
    assert.deepEqual([archives, bytes, writtenMs, createdMs], [0, 0, null, 5]);
    assert.deepEqual({ account: key.account, region: key.region, name: key.name }, c.key());
    assert.equal(await c.catalog.findVault(c.key('other')), undefined);
  });

  it('do not change when they are created again', async () => {
    const c = customer();
    const first = await c.makeVault('photos', { nowMs: 5 });
    await c.addArchive(first);
    const again = await c.makeVault('photos', { nowMs: 9, limit: 1 });
    assert.deepEqual([again.no, again.createdMs, again.archives], [first.no, 5, 1]);
  });

  it('of the same name are separate in each region and account', async () => {
    const [c, d] = [customer(), customer()];
    const [mine, theirs] = [await c.makeVault(), await d.makeVault()];
    const elsewhere = { ...c.key(), region: 'eu-west-1' };
    assert.equal(await c.catalog.findVault(elsewhere), undefined);
    await c.catalog.createVault({ key: elsewhere, nowMs: START_MS, limit: 1 });
    const numbers = [mine.no, theirs.no, (await c.catalog.findVault(elsewhere))?.no];
    assert.equal(new Set(numbers).size, 3);
  });

  it('are listed by name over all accounts and regions', async () => {
    const [c, d] = [customer(), customer()];
    const name = `listed-${c.account}`;
    const keys = [{ ...c.key(name), region: 'eu-west-1' }, c.key(name), d.key(name)];
    for (const key of keys) await c.catalog.createVault({ key, nowMs: START_MS, limit: 9 });
    const order = ({ account, region }: VaultKey) => `${account} ${region}`;
    const expected = keys.toSorted((one, other) => (order(one) < order(other) ? -1 : 1));
    const list = async (limit: number) => [...(await c.catalog.listVaultKeys({ name, limit }))];
    assert.deepEqual((await list(9)).map(order), expected.map(order));
    assert.deepEqual((await list(2)).map(order), expected.slice(0, 2).map(order));
    assert.equal((await c.catalog.listVaultKeys({ name: null, limit: 2 })).length, 2);
  });

  it('are refused beyond the limit, until one is deleted', async () => {
    const c = customer();
    for (const name of ['a', 'b']) await c.makeVault(name, { limit: 2 });
    await refused('limit-reached', c.makeVault('c', { limit: 2 }));
    await c.makeVault('b', { limit: 2 });
    await c.deleteVault('a');
    await c.makeVault('c', { limit: 2 });
  });

  it('are listed by name in ASCII order, page by page', async () => {
    const c = customer();
    const names = ['a', 'B', '_', '-', '.x', '0', 'aa', 'Z', 'b', 'a-', 'aA'];
    for (const name of names) await c.makeVault(name);
    await customer().makeVault('of another account');
    for (const limit of [1, 2, 5, names.length, 1000]) {
      const listed = await allPages(
        (page: Paging<string>) => c.catalog.listVaults(c.owner, page),
        (vault) => vault.name,
        limit,
      );
      assert.deepEqual(
        listed.map(({ name }) => name),
        [...names].sort(),
      );
    }
    const { rows } = await c.catalog.listVaults(c.owner, { after: 'ZZ', limit: 1 });
    assert.equal(rows[0]?.name, '_', 'a page may begin after a missing name');
  });

  it('are listed with the same members as found', async () => {
    const c = customer();
    await c.addArchive(await c.makeVault());
    const { rows } = await c.catalog.listVaults(c.owner, { after: null, limit: 10 });
    assert.deepEqual(rows, [await c.vault()]);
  });
}

export function vaultDeletion(customer: NewCustomer): void {
  it('succeeds once', async () => {
    const c = customer();
    await c.makeVault();
    assert.equal(await c.deleteVault(), true);
    assert.equal(await c.catalog.findVault(c.key()), undefined);
    assert.equal(await c.deleteVault(), false);
    assert.equal(await c.deleteVault('never made'), false);
  });

  it('is refused while the vault has an archive', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault);
    await refused('invalid', c.deleteVault());
    assert.equal((await c.vault()).no, vault.no);
    await c.deleteArchive(archive);
    assert.equal(await c.deleteVault(), true);
  });

  it('leaves nothing to a later vault of the same name', async () => {
    const c = customer();
    const old = await c.makeVault();
    await c.catalog.addTags({ vaultNo: old.no, tags: { color: 'red' } });
    await c.deleteArchive(await c.addArchive(old));
    const upload = await c.startUpload(old);
    await c.deleteVault();
    const vault = await c.makeVault();
    assert.notEqual(vault.no, old.no);
    assert.deepEqual([vault.archives, vault.bytes, vault.writtenMs], [0, 0, null]);
    assert.deepEqual(await c.catalog.tagsOf(vault.no), {});
    for (const { no } of [old, vault]) {
      assert.equal(await c.catalog.findUpload(no, upload.id), undefined);
      assert.deepEqual((await c.catalog.listUploads(no, { after: null, limit: 9 })).rows, []);
    }
  });

  it('puts the parts of open uploads on the garbage list', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const uploads = [await c.startUpload(vault), await c.startUpload(vault)];
    const parts = await Promise.all(uploads.map((upload) => c.putPart(upload, 0)));
    await c.deleteVault();
    for (const [i, { no }] of uploads.entries()) {
      assert.equal((await allGarbage(c.catalog)).filter(({ uploadNo }) => uploadNo === no).length, 1);
      assert.deepEqual(await c.catalog.partRefs(no, 9), [parts[i]?.ref]);
    }
  });
}

export function tags(customer: NewCustomer): void {
  it('are added, changed and removed', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    await c.catalog.addTags({ vaultNo, tags: { color: 'red', size: 'big' } });
    await c.catalog.addTags({ vaultNo, tags: { color: 'blue', empty: '' } });
    assert.deepEqual(await c.catalog.tagsOf(vaultNo), { color: 'blue', size: 'big', empty: '' });
    await c.catalog.removeTags({ vaultNo, keys: ['size', 'never there'] });
    assert.deepEqual(await c.catalog.tagsOf(vaultNo), { color: 'blue', empty: '' });
  });

  it('distinguish case and script, and accept unusual keys', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    const odd = Object.fromEntries(
      ['Color', 'color', 'farbe ö', '色', '__proto__', 'a'].map((k) => [k, `${k}!`]),
    );
    await c.catalog.addTags({ vaultNo, tags: odd });
    assert.deepEqual(Object.entries(await c.catalog.tagsOf(vaultNo)).sort(), Object.entries(odd).sort());
  });

  it('are refused beyond 50, without any change', async () => {
    const c = customer();
    const { no: vaultNo } = await c.makeVault();
    const tagsFrom = (first: number, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`key${first + i}`, 'v']));
    for (const first of [0, 10, 20, 30, 40]) await c.catalog.addTags({ vaultNo, tags: tagsFrom(first, 10) });
    await refused('limit-reached', c.catalog.addTags({ vaultNo, tags: tagsFrom(49, 2) }));
    await c.catalog.addTags({ vaultNo, tags: { key7: 'changed' } });
    const found = await c.catalog.tagsOf(vaultNo);
    assert.equal(Object.keys(found).length, 50);
    assert.equal(found['key7'], 'changed');
  });

  it('are refused for a deleted vault', async () => {
    const c = customer();
    const vaultNo = await c.goneVault();
    await refused('not-found', c.catalog.addTags({ vaultNo, tags: { a: 'b' } }));
    await refused('not-found', c.catalog.removeTags({ vaultNo, keys: ['a'] }));
  });
}
