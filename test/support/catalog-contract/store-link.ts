import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { GenerationClosed } from '../../../src/domain/store-link.ts';
import { Customer } from './customer.ts';
import type { CatalogPlace } from './place.ts';

const CATALOG = 'a'.repeat(32);
const STORE = 'b'.repeat(32);

export function storeLink(makePlace: () => Promise<CatalogPlace>): void {
  let place: CatalogPlace;
  const opened: Catalog[] = [];
  const open = async (...args: Parameters<CatalogPlace['open']>) => {
    const catalog = await place.open(...args);
    opened.push(catalog);
    return catalog;
  };
  const claim = (catalog: Catalog, generation: number, changes = {}) =>
    catalog.claimGeneration({ catalogId: CATALOG, storeId: STORE, generation, ...changes });
  const closed = (write: Promise<unknown>) => assert.rejects(write, GenerationClosed);
  before(async () => {
    place = await makePlace();
  });
  after(async () => {
    for (const catalog of opened) await catalog.close();
    await place.remove();
  });

  it('returns the last claim, or undefined before the first', async () => {
    const catalog = await open();
    const { commitNumber, ...link } = await catalog.storeLink();
    assert.deepEqual(link, { catalogId: undefined, storeId: undefined, generation: 0 });
    assert.ok(commitNumber >= 0);
    await new Customer(catalog).makeVault();
    await claim(catalog, 1);
    const claimed = { catalogId: CATALOG, storeId: STORE, generation: 1 };
    assert.deepEqual({ ...(await catalog.storeLink()), commitNumber }, { ...claimed, commitNumber });
    await claim(catalog, 5, { storeId: 'c'.repeat(32) });
    assert.equal((await catalog.storeLink()).storeId, 'c'.repeat(32));
  });

  it("refuses a claim that does not exceed the catalog's generation, and one of another catalog", async () => {
    const [one, two] = [await open(), await open()];
    await claim(one, 10);
    for (const generation of [10, 9]) await closed(claim(two, generation));
    await closed(claim(two, 11, { catalogId: 'd'.repeat(32) }));
    const { generation, catalogId } = await one.storeLink();
    assert.deepEqual({ generation, catalogId }, { generation: 10, catalogId: CATALOG });
    await new Customer(one).makeVault();
  });

  it('refuses writes of an earlier generation and of one that was never claimed', async () => {
    const first = await open();
    await claim(first, 20);
    const c = new Customer(first);
    const vault = await c.makeVault();
    const second = await open();
    await closed(new Customer(second).makeVault());
    await claim(second, 21);
    await closed(c.addArchive(vault));
    await closed(first.raiseCommitNumber({ beyond: 0 }));
    assert.equal((await c.vault()).archives, 0);
    const of = { account: c.account, region: 'us-east-1', name: 'photos' };
    await second.createVault({ key: { ...of, name: 'second' }, nowMs: 1, limit: 10 });
  });

  it('accepts writes of the generation that it was opened for, and of the current one', async () => {
    const server = await open();
    await claim(server, 30);
    const same = await open(undefined, 30);
    const command = await open(undefined, 'current');
    for (const catalog of [server, same, command]) await new Customer(catalog).makeVault();
    await claim(server, 31);
    for (const catalog of [same, command]) await closed(new Customer(catalog).makeVault());
  });

  it('has a commit number that only grows, and that writers are given', async () => {
    const catalog = await open(undefined, 'current');
    const first = await catalog.raiseCommitNumber({ beyond: 0 });
    assert.equal(catalog.knownCommitNumber(), first);
    const beyond = first + 1000;
    const second = await catalog.raiseCommitNumber({ beyond });
    assert.ok(second > beyond);
    assert.ok((await catalog.raiseCommitNumber({ beyond: 3 })) > second);
    await new Customer(catalog).makeVault();
    const { commitNumber } = await catalog.storeLink();
    assert.equal(catalog.knownCommitNumber(), commitNumber);
    const other = await open(undefined, 'current');
    assert.equal(other.knownCommitNumber(), commitNumber);
    const raised = await other.raiseCommitNumber({ beyond: 0 });
    await new Customer(catalog).makeVault();
    assert.ok(catalog.knownCommitNumber() >= raised);
  });

  it('reports whether it names any blob', async () => {
    const catalog = await open(undefined, 'current');
    await catalog.forgetVaults({});
    const c = new Customer(catalog);
    const vault = await c.makeVault();
    const upload = await c.startUpload(vault);
    assert.equal(await catalog.namesAnyBlob(), false);
    await c.putPart(upload, 0);
    assert.equal(await catalog.namesAnyBlob(), true);
    await catalog.forgetVaults({});
    assert.equal(await catalog.namesAnyBlob(), false);
    await c.addArchive(await c.makeVault());
    assert.equal(await catalog.namesAnyBlob(), true);
  });
}
