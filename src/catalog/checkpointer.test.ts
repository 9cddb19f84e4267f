import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { eventually } from '../../test/support/poll.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { Checkpointer } from './checkpointer.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';

async function databasePath(t: TestContext): Promise<string> {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'catalog.sqlite');
}

const NEVER_MS = 2 ** 31 - 1;

/** A database without checkpoints of its own, and a function that commits rows of 1 KiB. */
async function logged(t: TestContext, pauseMs: number) {
  const path = await databasePath(t);
  const database = new DatabaseSync(path);
  database.exec(
    'pragma journal_mode = wal; pragma wal_autocheckpoint = 0; pragma synchronous = off; create table rows (text text);',
  );
  const checkpointer = new Checkpointer(path, 1000, pauseMs);
  t.after(async () => {
    await checkpointer.close();
    database.close();
  });
  const insert = database.prepare('insert into rows values (?)');
  const commit = (times: number): void => {
    for (let i = 0; i < times; i++) {
      insert.run('x'.repeat(1024));
      checkpointer.committed(1);
    }
  };
  return { path, commit };
}

describe('a checkpointer', () => {
  it('checkpoints when commits pause, and again after later ones', async (t) => {
    const { path, commit } = await logged(t, 1);
    for (let before = 0; before < 300_000; ) {
      const { size } = await stat(path);
      commit(100);
      await eventually('the file has grown', async () => (await stat(path)).size > size + 90_000);
      before = size;
    }
  });

  it('checkpoints even without a pause', async (t) => {
    const { path, commit } = await logged(t, NEVER_MS);
    const { size } = await stat(path);
    commit(2048);
    await eventually('the file has grown', async () => (await stat(path)).size > size + 2_000_000);
  });

  it('leaves a catalog usable meanwhile, without loss', async (t) => {
    const path = await databasePath(t);
    const catalog = openSqliteCatalog(
      path,
      await openSqliteWriter(path, { journal: async () => {}, jobMessage }),
    );
    const { size: before } = await stat(path);
    const vaults = Array.from({ length: 700 }, (_, i) => `vault-${i}-${'x'.repeat(200)}`);
    const owner = { account: '123456789012', region: 'us-east-1' };
    await Promise.all(
      vaults.map((name) => catalog.createVault({ key: { ...owner, name }, nowMs: 1, limit: 1000 })),
    );
    await eventually('the file has grown', async () => (await stat(path)).size > before + 100_000);
    await catalog.createVault({ key: { ...owner, name: 'last' }, nowMs: 2, limit: 1000 });
    await catalog.close();
    const database = new DatabaseSync(path, { readOnly: true });
    t.after(() => database.close());
    assert.equal(database.prepare('select count(*) as n from vaults').get()?.['n'], 701);
  });
});
