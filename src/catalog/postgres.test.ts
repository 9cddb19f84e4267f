import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import pg from 'pg';
import { catalogContract } from '../../test/support/catalog-contract/contract.ts';
import { Customer, refused } from '../../test/support/catalog-contract/customer.ts';
import type { CatalogPlace } from '../../test/support/catalog-contract/place.ts';
import { itFollowsTheModel } from '../../test/support/catalog-contract/property.ts';
import { eventually } from '../../test/support/poll.ts';
import { createDatabase, PATIENT_MS, skipWithoutPostgres } from '../../test/support/postgres.ts';
import type { JournalEntry } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import { Shortage } from '../domain/errors.ts';
import { GenerationClosed } from '../domain/store-link.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { openPostgresCatalog } from './postgres.ts';

describe('over PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  catalogContract('PostgreSQL', postgresPlace);
  itFollowsTheModel(postgresPlace, 15);
});

async function postgresPlace(): Promise<CatalogPlace> {
  const database = await createDatabase();
  return {
    // Idle connections may still be closing when the database is dropped; their errors are harmless.
    open: (journal = async () => {}, generation = 0) =>
      openPostgresCatalog({
        url: database.url,
        journal,
        jobMessage,
        generation,
        limitMs: PATIENT_MS,
        onError: () => {},
      }),
    remove: () => database.drop(),
  };
}

describe('a client’s text with a NUL character', () => {
  it('matches nothing', { skip: skipWithoutPostgres() }, async (t) => {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const catalog = await openPostgresCatalog({
      url,
      journal: async () => {},
      jobMessage,
      limitMs: PATIENT_MS,
      onError: () => {},
    });
    t.after(() => catalog.close());
    assert.equal(await catalog.findArchive(1, 'a\0b'), undefined);
    assert.equal(await catalog.findUpload(1, '\0'), undefined);
    assert.equal(await catalog.findJob(1, '\0', 0), undefined);
  });
});

describe('a transaction of an earlier run', { skip: skipWithoutPostgres() }, () => {
  const claim = (catalog: Catalog, generation: number) =>
    catalog.claimGeneration({ catalogId: 'a'.repeat(32), storeId: 'b'.repeat(32), generation });

  /** A catalog of generation 1 with an upload whose transaction stays open until `letGo`. */
  async function earlierRun(t: TestContext) {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const open = async (options: { claimMs?: number; limitMs?: number } = {}) => {
      const journal = async () => {};
      const catalog = await openPostgresCatalog({
        url,
        journal,
        jobMessage,
        limitMs: PATIENT_MS,
        onError: () => {},
        ...options,
      });
      t.after(() => catalog.close());
      return catalog;
    };
    const earlier = await open();
    await claim(earlier, 1);
    const c = new Customer(earlier);
    const vault = await c.makeVault();
    const holder = new pg.Client({ connectionString: url });
    holder.on('error', () => {});
    await holder.connect();
    t.after(() => holder.end());
    await holder.query('begin');
    await holder.query('select * from vaults for update');
    const uploading = c.addArchive(vault);
    await eventually(
      'the upload waits',
      async () => {
        const { rows } = await holder.query("select 1 from pg_stat_activity where wait_event_type = 'Lock'");
        return rows.length > 0;
      },
      PATIENT_MS,
    );
    return { open, c, vault, uploading, letGo: () => holder.query('commit'), holder };
  }

  it('makes a claim wait until it has committed', async (t) => {
    const { open, c, vault, uploading, letGo, holder } = await earlierRun(t);
    const later = await open({ claimMs: PATIENT_MS });
    let claimed = false;
    const claiming = claim(later, 2).then(() => {
      claimed = true;
    });
    await eventually(
      'the claim waits',
      async () => {
        const { rows } = await holder.query(
          "select 1 from pg_locks where locktype = 'advisory' and not granted",
        );
        return rows.length > 0;
      },
      PATIENT_MS,
    );
    assert.equal(claimed, false);
    await letGo();
    const [{ id }] = await Promise.all([uploading, claiming]);
    assert.ok(await later.findArchive(vault.no, id));
    await assert.rejects(c.addArchive(vault), GenerationClosed);
  });

  it('fails without a change when its connection is lost before the commit', async (t) => {
    const { uploading, letGo, holder } = await earlierRun(t);
    const refused = assert.rejects(uploading, (error) => error instanceof Shortage && error.changedNothing);
    await holder.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
    );
    await refused;
    await letGo();
  });

  it('that does not end makes a claim fail with an error that names its session; the claim can be retried', async (t) => {
    const { open, uploading, letGo } = await earlierRun(t);
    const later = await open({ claimMs: 50 });
    await assert.rejects(claim(later, 2), (error) => {
      assert.ok(error instanceof Shortage);
      assert.match(error.message, /pg_terminate_backend\(PID\), with PID \d+/);
      return true;
    });
    assert.equal((await later.storeLink()).generation, 1);
    await letGo();
    await uploading;
    await eventually(
      'the claim is made',
      () =>
        claim(later, 2).then(
          () => true,
          () => false,
        ),
      PATIENT_MS,
    );
  });
});

describe('an unconfirmed commit', { skip: skipWithoutPostgres() }, () => {
  it('fails as possibly made, and its entry reaches the journal', async (t) => {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const written: JournalEntry[] = [];
    const journal = async (entries: readonly JournalEntry[]) => {
      written.push(...entries);
    };
    const catalog = await openPostgresCatalog({ url, journal, jobMessage, limitMs: 5000, onError: () => {} });
    t.after(() => catalog.close());
    const holder = new pg.Client({ connectionString: url });
    holder.on('error', () => {});
    await holder.connect();
    t.after(() => holder.end());
    // A deferred trigger runs during COMMIT.
    await holder.query(`create function wait() returns trigger language plpgsql as
      $$ begin perform pg_advisory_xact_lock(42); return null; end $$`);
    await holder.query(`create constraint trigger wait after insert on vaults deferrable initially deferred
      for each row execute function wait()`);
    await holder.query('select pg_advisory_lock(42)');
    const c = new Customer(catalog);
    await assert.rejects(c.makeVault(), (error) => {
      assert.ok(error instanceof Shortage);
      assert.match(error.message, /did not confirm the change .*may have been made or not/);
      return true;
    });
    await holder.query('select pg_advisory_unlock(42)');
    await eventually('the vault exists', () => catalog.findVault(c.key()), PATIENT_MS);
    await c.makeVault();
    assert.deepEqual(
      written.map(({ body }) => body['type']),
      ['vault-created'],
    );
  });
});

describe('writes at once', { skip: skipWithoutPostgres() }, () => {
  async function customerOf(t: TestContext): Promise<{ c: Customer; other: pg.Client }> {
    const { url, drop } = await createDatabase();
    t.after(drop);
    const journal = async () => {};
    const catalog = await openPostgresCatalog({
      url,
      journal,
      jobMessage,
      limitMs: PATIENT_MS,
      onError: () => {},
    });
    t.after(() => catalog.close());
    const other = new pg.Client({ connectionString: url });
    other.on('error', () => {});
    await other.connect();
    t.after(() => other.end());
    return { c: new Customer(catalog), other };
  }

  async function transactionsIn(other: pg.Client): Promise<number> {
    const { rows } = await other.query('select pg_current_xact_id()::text::bigint as no');
    return Number(rows[0].no);
  }

  it('share transactions', async (t) => {
    const { c, other } = await customerOf(t);
    const vault = await c.makeVault();
    const upload = await c.startUpload(vault);
    const before = await transactionsIn(other);
    const each = Array.from({ length: 200 }, (_, i) => i);
    const added = await Promise.all(each.map((i) => c.addArchive(vault, { size: i })));
    await Promise.all(each.map((i) => c.putPart(upload, i)));
    const used = (await transactionsIn(other)) - before;
    assert.ok(used < 20, `${used} transactions`);
    const { archives, bytes } = await c.vault();
    assert.deepEqual([archives, bytes], [200, (200 * 199) / 2]);
    for (const { id, size } of added) assert.equal((await c.catalog.findArchive(vault.no, id))?.size, size);
    assert.equal((await c.catalog.partRefs(upload.no, 300)).length, 200);
  });

  it('take effect but for those that are refused or rejected', async (t) => {
    const { c } = await customerOf(t);
    const vault = await c.makeVault();
    const gone = await c.makeVault('gone');
    await c.deleteVault('gone');
    const { id } = await c.addArchive(vault);
    const refusal = refused('not-found', c.addArchive(gone));
    const rejection = assert.rejects(c.addArchive(vault, { id }), /unique/);
    const added = await Promise.all(Array.from({ length: 20 }, () => c.addArchive(vault)));
    await Promise.all([refusal, rejection]);
    for (const one of added) assert.ok(await c.catalog.findArchive(vault.no, one.id));
    assert.equal((await c.vault()).archives, 21);
  });

  it('do not wait for one whose row another transaction has locked', async (t) => {
    const { c, other } = await customerOf(t);
    const [locked, free] = [await c.makeVault('locked'), await c.makeVault('free')];
    await other.query('begin');
    await other.query("select * from vaults where name = 'locked' for update");
    const waiting = c.addArchive(locked);
    await Promise.all(Array.from({ length: 20 }, () => c.addArchive(free)));
    assert.equal((await c.vault('locked')).archives, 0);
    await other.query('commit');
    await waiting;
    assert.equal((await c.vault('locked')).archives, 1);
  });
});
