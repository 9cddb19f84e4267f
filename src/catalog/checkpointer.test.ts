import assert from 'node:assert/strict';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { it } from 'node:test';
import { eventually } from '../../test/support/poll.ts';
import { temporaryFolder } from '../../test/support/server.ts';
import { openSqliteCatalog, openSqliteWriter } from './sqlite.ts';

it('moves what was committed to the database file while the catalog is in use', async (t) => {
  const folder = await temporaryFolder();
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'catalog.sqlite');
  const catalog = openSqliteCatalog(path, await openSqliteWriter(path, async () => {}));
  const { size: before } = await stat(path);
  const vaults = Array.from({ length: 700 }, (_, i) => `vault-${i}-${'x'.repeat(200)}`);
  const owner = { account: '123456789012', region: 'us-east-1' };
  await Promise.all(
    vaults.map((name) => catalog.createVault({ key: { ...owner, name }, nowMs: 1, limit: 1000 })),
  );
  await eventually('the file has grown', async () => (await stat(path)).size > before + 100_000);
  // It goes on: nothing in the way of later commits, and nothing lost when all is closed.
  await catalog.createVault({ key: { ...owner, name: 'last' }, nowMs: 2, limit: 1000 });
  await catalog.close();
  const database = new DatabaseSync(path, { readOnly: true });
  t.after(() => database.close());
  assert.equal(database.prepare('select count(*) as n from vaults').get()?.['n'], 701);
});
