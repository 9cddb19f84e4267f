import assert from 'node:assert/strict';
import { copyFile, open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { Customer } from '../../test/support/catalog-contract/customer.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { Shortage } from '../domain/errors.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';

const PAGE = 4096;
const journal = async () => {};

async function placeFor(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'catalog.sqlite');
}

/** Fills a catalog with many pages and closes it; returns its customer. */
async function filled(path: string): Promise<Customer> {
  const catalog = openSqliteCatalog(path, await openSqliteWriter(path, { journal, jobMessage }));
  const c = new Customer(catalog);
  const vault = await c.makeVault();
  await Promise.all(Array.from({ length: 600 }, () => c.addArchive(vault)));
  await catalog.close();
  return c;
}

/** Overwrites the root pages of the table of archives and of its indexes. */
async function spoil(path: string): Promise<void> {
  const database = new DatabaseSync(path, { readOnly: true });
  const of = database.prepare("select rootpage from sqlite_schema where tbl_name = 'archives'");
  const roots = of.all() as { rootpage: number }[];
  database.close();
  const file = await open(path, 'r+');
  for (const { rootpage } of roots)
    await file.write(Buffer.alloc(PAGE, 0xa5), 0, PAGE, (rootpage - 1) * PAGE);
  await file.close();
}

describe('a damaged SQLite catalog', () => {
  it('that is not a database is refused when opened, with its path and what to do', async (t) => {
    const path = await placeFor(t);
    await writeFile(path, 'not a database at all, and longer than the head of one '.repeat(100));
    await assert.rejects(openSqliteWriter(path, { journal, jobMessage }), (error: Error) => {
      assert.ok(error.message.includes(`the catalog ${path} cannot be opened`), error.message);
      assert.match(error.message, /docs\/operating\.md .*"Restoring"/);
      return true;
    });
  });

  it('is detected at the start after an unclean stop', async (t) => {
    const path = await placeFor(t);
    await filled(path);
    await spoil(path);
    // A clean stop leaves no log, so the file is not checked.
    await (await openSqliteWriter(path, { journal, jobMessage, checksFirst: true })).close();
    await copyFile(path, `${path}-wal`);
    await assert.rejects(
      openSqliteWriter(path, { journal, jobMessage, checksFirst: true }),
      (error: Error) => {
        assert.ok(error.message.includes(path), error.message);
        assert.match(error.message, /is damaged: .*"Restoring"/s);
        return true;
      },
    );
  });

  it('that is detected later fails from then on; its path is only in the log', async (t) => {
    const path = await placeFor(t);
    const { account } = await filled(path);
    await spoil(path);
    const catalog = openSqliteCatalog(path, await openSqliteWriter(path, { journal, jobMessage }));
    t.after(() => catalog.close());
    assert.equal(catalog.failure(), undefined);
    const c = Object.assign(new Customer(catalog), { account });
    await assert.rejects(
      async () => {
        const { no } = await c.vault();
        for (let i = 0; i < 600; i++) await catalog.findArchive(no, `archive-${i}`);
      },
      (error) => {
        assert.ok(error instanceof Shortage, String(error));
        assert.match(error.message, /The catalog is damaged/);
        assert.ok(!error.message.includes(path));
        assert.ok(String(error.cause).includes(path));
        return true;
      },
    );
    assert.match(String(catalog.failure()), /The catalog is damaged/);
    await catalog.hasVaults().catch(() => {});
    assert.match(String(catalog.failure()), /The catalog is damaged/);
  });

  it('that another process detected fails here too', async (t) => {
    const path = await placeFor(t);
    const { account } = await filled(path);
    await spoil(path);
    const local = await openSqliteWriter(path, { journal, jobMessage });
    const damage = openSqliteCatalog(path, local);
    t.after(() => damage.close());
    const c = Object.assign(new Customer(damage), { account });
    const write = async () => {
      for (let i = 0; i < 50; i++) await c.addArchive({ no: 1 } as Parameters<Customer['addArchive']>[0]);
    };
    await assert.rejects(write, /The catalog is damaged/);
    assert.match(String(damage.failure()), /The catalog is damaged/);
  });
});
