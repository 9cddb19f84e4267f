import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { unlessPresent } from '../../test/support/require.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { canMount, type SmallDisk, smallDisk } from '../../test/support/small-disk.ts';
import { Shortage } from '../domain/errors.ts';
import { jobMessage } from '../operations/jobs/job-description.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';
import { asCatalogShortage, endsTransaction, isCatalogFull } from './sqlite-shortage.ts';

const skip = unlessPresent(canMount('tmpfs'), 'a way to mount tmpfs (root)');

async function databaseFor(t: TestContext): Promise<DatabaseSync> {
  const folder = await temporaryFolder();
  const database = new DatabaseSync(join(folder, 'one.sqlite'), { timeout: 0 });
  t.after(async () => {
    database.close();
    await rm(folder, { recursive: true });
  });
  database.exec('create table t (word text) strict');
  return database;
}

function errorOf(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return assert.fail('it was done');
}

describe('a SQLite error', () => {
  it('for a full database becomes a shortage that changed nothing', async (t) => {
    const database = await databaseFor(t);
    database.exec('pragma max_page_count = 3');
    const insert = () => void database.prepare('insert into t values (?)').run('x'.repeat(100_000));
    const error = errorOf(insert);
    const told = asCatalogShortage(error);
    assert.ok(told instanceof Shortage);
    assert.deepEqual(
      [told.message, told.changedNothing],
      ['The catalog cannot be written: its disk takes no more.', true],
    );
    for (const one of [error, told])
      assert.deepEqual([isCatalogFull(one), endsTransaction(one)], [true, true]);
    assert.equal(asCatalogShortage(told), told);
  });

  it('for a locked database becomes a shortage that may have changed something', async (t) => {
    const database = await databaseFor(t);
    const other = new DatabaseSync(database.location() as string, { timeout: 0 });
    other.exec('begin exclusive');
    const told = asCatalogShortage(errorOf(() => database.exec('begin immediate')));
    other.close();
    assert.ok(told instanceof Shortage);
    assert.match(told.message, /another program keeps it locked/);
    assert.deepEqual(
      [told.changedNothing, isCatalogFull(told), endsTransaction(told)],
      [false, false, false],
    );
  });

  it('of any other kind is unchanged', async (t) => {
    const database = await databaseFor(t);
    for (const error of [errorOf(() => database.exec('select * from nowhere')), new Error('another')]) {
      assert.equal(asCatalogShortage(error), error);
      assert.deepEqual([isCatalogFull(error), endsTransaction(error)], [false, false]);
    }
  });
});

describe('a SQLite catalog on a full disk', { skip }, () => {
  const LONG = 'x'.repeat(1024 * 1024);

  /** A catalog on a 16 MiB disk that another program has filled. @param freeSpace called when the disk is full. */
  async function onFullDisk(t: TestContext, freeSpace: (disk: SmallDisk) => Promise<boolean>) {
    const disk = smallDisk('tmpfs', 16);
    const path = join(disk.path, 'catalog.sqlite');
    const writer = await openSqliteWriter(path, {
      journal: async () => {},
      jobMessage,
      freeSpace: () => freeSpace(disk),
    });
    const catalog = openSqliteCatalog(path, writer);
    t.after(async () => {
      await catalog.close();
      disk.remove();
    });
    await disk.fill();
    return { disk, catalog };
  }

  it('frees space, and runs the write once', async (t) => {
    let asked = 0;
    const { catalog } = await onFullDisk(t, async (disk) => {
      // At first, another program takes the freed space.
      if (++asked === 2) await disk.unfill();
      return true;
    });
    const before = catalog.knownCommitNumber();
    await catalog.setSetting({ name: 'long', value: LONG });
    assert.equal(await catalog.findSetting('long'), LONG);
    assert.deepEqual([asked, catalog.knownCommitNumber()], [2, before + 1]);
  });

  it('refuses writes while it cannot free space, serves reads, and continues when there is space', async (t) => {
    const { disk, catalog } = await onFullDisk(t, async () => false);
    const writes = ['a', 'b'].map((name) => catalog.setSetting({ name, value: LONG }));
    for (const write of writes) {
      await assert.rejects(write, (error) => error instanceof Shortage && error.changedNothing);
    }
    assert.equal(await catalog.findSetting('a'), undefined);
    await disk.unfill();
    await catalog.setSetting({ name: 'a', value: LONG });
    assert.equal(await catalog.findSetting('a'), LONG);
    assert.equal(await catalog.findSetting('b'), undefined);
  });
});
