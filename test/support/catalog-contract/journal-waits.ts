/** An answer that depends on an entry waits until the journal has it, whichever process added it to the outbox. */
import assert from 'node:assert/strict';
import { after, afterEach, before, it } from 'node:test';
import { type JournalEntry, StoreFailure } from '../../../src/domain/blob-store.ts';
import type { Catalog } from '../../../src/domain/catalog.ts';
import { Shortage } from '../../../src/domain/errors.ts';
import { Customer, refused, START_MS } from './customer.ts';
import type { CatalogPlace, Journal } from './place.ts';

/** A journal that a test can stall and make fail. */
class TestJournal {
  readonly written: JournalEntry[] = [];
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  /** How many of the next calls fail. */
  failures = 0;
  failure: Error = new Error('the disk is gone');

  readonly append: Journal = async (entries) => {
    if (this.failures > 0) {
      this.failures--;
      throw this.failure;
    }
    await this.#gate;
    this.written.push(...entries);
  };

  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
  }

  has(type: string, account: string): boolean {
    return this.written.some(({ body }) => body['type'] === type && body['account'] === account);
  }
}

/** For each answer, whether it has arrived. */
function watch(answers: readonly Promise<unknown>[]): { readonly come: boolean[] } {
  const come = answers.map(() => false);
  answers.forEach((answer, i) => {
    const mark = () => {
      come[i] = true;
    };
    answer.then(mark, mark);
  });
  return { come };
}

export function journalWaits(makePlace: () => Promise<CatalogPlace>): void {
  let place: CatalogPlace;
  let journal: TestJournal;
  const opened: Catalog[] = [];
  const journals = new Set<TestJournal>();
  const open = async (to: TestJournal) => {
    journals.add(to);
    const catalog = await place.open(to.append);
    opened.push(catalog);
    return catalog;
  };
  /** Makes enough round trips to the database for all answers that do not wait to arrive. */
  const settle = async (catalog: Catalog) => {
    for (let i = 0; i < 30; i++) {
      await new Promise(setImmediate);
      await catalog.hasVaults();
    }
  };
  const findVault = async (c: Customer, catalog = c.catalog) => {
    for (;;) {
      const vault = await catalog.findVault(c.key());
      if (vault) return vault;
      await new Promise(setImmediate);
    }
  };
  before(async () => {
    place = await makePlace();
    journal = new TestJournal();
  });
  // After a failed test, the next one must not wait for its entries.
  afterEach(() => {
    for (const one of journals) one.release();
  });
  after(async () => {
    for (const catalog of opened) await catalog.close();
    await place.remove();
  });

  it('waits for the entry, whether of a repeated request, an upload or a refusal', async () => {
    const catalog = await open(journal);
    const c = new Customer(catalog);
    journal.hold();
    const creating = c.makeVault();
    const vault = await findVault(c);
    const answers = [
      creating,
      c.makeVault(),
      catalog.addArchive(c.newArchive(vault.no)),
      refused('limit-reached', c.makeVault('more', { limit: 1 })),
    ];
    const { come } = watch(answers);
    await settle(catalog);
    assert.deepEqual(come, [false, false, false, false]);
    journal.release();
    await Promise.all(answers);
    assert.ok(journal.has('vault-created', c.account));
  });

  it('does not answer a repeated deletion while the journal refuses its entry', async () => {
    const catalog = await open(journal);
    const c = new Customer(catalog);
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault);
    journal.failures = 2;
    await assert.rejects(c.deleteArchive(archive), /the disk is gone/);
    await assert.rejects(c.deleteArchive(archive), /the disk is gone/);
    assert.equal(await c.deleteArchive(archive), false);
    assert.ok(journal.has('archive-deleted', c.account));
  });

  it('tells an upload that nothing changed if the journal failed before it began', async () => {
    const catalog = await open(journal);
    const c = new Customer(catalog);
    const vault = await c.makeVault();
    const other = new TestJournal();
    other.failure = new StoreFailure('a record cannot be kept');
    const full = new Customer(await open(other));
    other.failures = 2;
    const isShort = (changedNothing: boolean) => (error: unknown) => {
      assert.ok(error instanceof Shortage, String(error));
      assert.deepEqual([error.message, error.changedNothing], ['a record cannot be kept', changedNothing]);
      return true;
    };
    // This vault is in the catalog, but not in the journal.
    await assert.rejects(full.makeVault(), isShort(false));
    await assert.rejects(full.catalog.addArchive(c.newArchive(vault.no)), isShort(true));
    await full.catalog.addArchive(c.newArchive(vault.no));
  });

  it('delays concurrent requests until one of them has appended the pending entries', async () => {
    const catalog = await open(journal);
    const c = new Customer(catalog);
    journal.failures = 1;
    await assert.rejects(c.makeVault(), /the disk is gone/);
    journal.hold();
    const answers = [c.makeVault(), c.makeVault(), c.makeVault()];
    const { come } = watch(answers);
    await settle(catalog);
    assert.deepEqual(come, [false, false, false]);
    journal.release();
    await Promise.all(answers);
    assert.ok(journal.has('vault-created', c.account));
  });

  it('appends entries that another process left in the outbox', async () => {
    const slow = new TestJournal();
    const first = new Customer(await open(slow));
    slow.hold();
    const creating = first.makeVault();
    const other = await open(journal);
    const vault = await findVault(first, other);
    await other.addArchive(first.newArchive(vault.no));
    assert.ok(journal.has('vault-created', first.account));
    assert.equal(slow.has('vault-created', first.account), false);
    slow.release();
    await creating;
  });

  it('refuses a request that depends on an entry of another process if the journal refuses the entry', async () => {
    const [slow, broken] = [new TestJournal(), new TestJournal()];
    const first = new Customer(await open(slow));
    slow.hold();
    const creating = first.makeVault();
    const other = await open(broken);
    await findVault(first, other);
    broken.failures = 1;
    const repeat = () => other.createVault({ key: first.key(), nowMs: START_MS, limit: 10 });
    await assert.rejects(repeat(), /the disk is gone/);
    await repeat();
    assert.ok(broken.has('vault-created', first.account));
    slow.release();
    await creating;
  });
}
