import assert from 'node:assert/strict';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import pg from 'pg';
import { createDatabase, PATIENT_MS, skipWithoutPostgres } from '../../test/support/postgres.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { examinePostgres, examineSqlite, tryPostgres } from './examine.ts';
import { openPostgresCatalog } from './postgres.ts';
import { openSqliteWriter } from './sqlite.ts';

describe('examining a SQLite catalog', () => {
  it('leaves no file behind, and tells when another process began to use it', async (t) => {
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true, force: true }));
    const path = join(folder, 'catalog.sqlite');
    const open = () => openSqliteWriter(path, { journal: async () => {}, jobMessage: () => '' });
    await (await open()).close();
    const examined = await examineSqlite(path);
    assert.equal(await examined.reads.lastEntrySeq(), 0);
    assert.deepEqual(await readdir(folder), ['catalog.sqlite']);
    assert.equal(examined.wasDisturbed(), false);
    const writer = await open();
    assert.equal(examined.wasDisturbed(), true);
    const shared = await examineSqlite(path);
    assert.equal(shared.wasDisturbed(), false);
    await writer.close();
    for (const one of [examined, shared]) await one.close();
  });
});

describe('examining a catalog in PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  it('reads it, finds its migrations, and takes a trial row back', async () => {
    const { url, drop } = await createDatabase();
    const writer = await openPostgresCatalog({
      ...{ url, limitMs: PATIENT_MS, onError() {} },
      journal: async () => {},
      jobMessage: () => '',
    });
    const client = new pg.Client({ connectionString: url });
    try {
      await client.connect();
      await writer.setSetting({ name: 'kept', value: 'yes' });
      await tryPostgres(url, PATIENT_MS, 'kept-not');
      // With an option of its own, as an operator may have given it.
      const examined = await examinePostgres(`${url}?options=-c%20work_mem%3D4MB`, PATIENT_MS);
      assert.equal(await examined.reads.findSetting('kept'), 'yes');
      assert.equal(await examined.reads.findSetting('kept-not'), undefined);
      assert.deepEqual([examined.missingMigrations, examined.unknownMigrations], [[], []]);
      assert.ok(((await examined.now()) ?? 0) > Date.parse('2020-01-01'));
      await examined.close();

      await client.query("delete from kysely_migration where name = '0007-arrival'");
      await client.query("insert into kysely_migration (name, timestamp) values ('0099-later', '')");
      const other = await examinePostgres(url, PATIENT_MS);
      assert.deepEqual(
        [other.missingMigrations, other.unknownMigrations],
        [['0007-arrival'], ['0099-later']],
      );
      await other.close();

      await client.query(
        `alter database ${new URL(url).pathname.slice(1)} set default_transaction_read_only = on`,
      );
      await assert.rejects(tryPostgres(url, PATIENT_MS, 'kept-not'), /read-only transaction/);
    } finally {
      await client.end();
      await writer.close();
      await drop();
    }
  });
});
