/** Starts refused before they change anything, because the store is missing or belongs to another catalog. */
import assert from 'node:assert/strict';
import { cp, mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { apiOf } from '../support/api.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { jobsOf } from '../support/jobs.ts';
import { OLD_STORE_START, oldStore } from '../support/old-store.ts';
import { patternBytes } from '../support/pattern.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

/** A data folder with a small archive, a large one and a journal entry. */
async function usedFolder(t: TestContext, flags: readonly string[] = []): Promise<string> {
  const data = await folderFor(t);
  const server = await serverFor(t, { data, flags });
  const api = apiOf(server);
  await api.createVault('v');
  await api.upload('v', 'small');
  await api.upload('v', patternBytes(300_000));
  assert.equal(await server.stop(), 0);
  return data;
}

function start(data: string, ...flags: string[]): Promise<Ended> {
  return runMoraine(['serve', '--data', data, '--listen', '127.0.0.1:0', '--workers', '1', ...flags]);
}

/** Every file of the folder with its length and modification time. */
async function contentsOf(data: string): Promise<string[]> {
  const entries = await readdir(data, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    const { size, mtimeMs } = await stat(path);
    // SQLite opens and closes its lock files; they are empty.
    return `${path} ${entry.isFile() ? `${size} ${mtimeMs}` : ''}`;
  });
  return (await Promise.all(lines)).filter((line) => !line.includes('sqlite-')).sort();
}

/** Asserts that a start is refused with this code and reason and changes nothing. */
async function assertRefused(data: string, code: number, message: RegExp, ...flags: string[]): Promise<void> {
  const before = await contentsOf(data);
  const ended = await start(data, ...flags);
  assert.equal(ended.code, code, ended.errors);
  assert.match(ended.errors, message);
  assert.match(ended.errors, /(^|\n)moraine: [^\n]*\n$/);
  assert.deepEqual(await contentsOf(data), before);
}

describe('a missing store', () => {
  it('is not made again in place of a missing folder, an empty one or an unmounted disk', async (t) => {
    const data = await usedFolder(t);
    const store = join(data, 'store');
    await rename(store, join(data, 'away'));
    await assertRefused(data, 1, /There is no folder \/.*\/store, and the catalog in .*catalog\.sqlite/);
    await mkdir(store);
    await assertRefused(data, 1, /The folder \/.*\/store is empty, .*Is its disk mounted\?/);
    await mkdir(join(store, 'lost+found'));
    await assertRefused(data, 1, /is empty/);
    await rm(store, { recursive: true });
    await rename(join(data, 'away'), store);
    const server = await serverFor(t, { data });
    assert.equal(await server.stop(), 0);
  });

  it('is replaced by an empty one with --accept-empty-store', async (t) => {
    const data = await usedFolder(t);
    await rm(join(data, 'store'), { recursive: true });
    const server = await serverFor(t, { data, flags: ['--accept-empty-store'] });
    await apiOf(server).upload('v', 'new');
    assert.equal(await server.stop(), 0);
    const again = await serverFor(t, { data });
    assert.equal(await again.stop(), 0);
  });

  for (const piece of ['packs', 'blobs', 'journal', 'notes', 'identity.json', 'format.json']) {
    it(`is reported even if only this is missing: ${piece}`, async (t) => {
      const data = await usedFolder(t);
      await rm(join(data, 'store', piece), { recursive: true });
      await assertRefused(data, 1, new RegExp(`store lacks ${piece}: archives may have been there`));
    });
  }

  it('is reported with a catalog of the version before form 3', async (t) => {
    const data = await oldStore(t);
    for (const folder of ['packs', 'blobs', 'journal']) {
      await rm(join(data, 'store', folder), { recursive: true });
    }
    await assertRefused(data, 1, /store lacks journal, packs, blobs|holds no archive/);
    await rm(join(data, 'store'), { recursive: true });
    await assertRefused(data, 1, /There is no folder/);
  });
});

describe('a store of another catalog', () => {
  it('is not served, and neither is an earlier copy of the right store', async (t) => {
    const [data, other] = [await usedFolder(t), await usedFolder(t)];
    await cp(join(data, 'store'), join(data, 'copy'), { recursive: true });
    const server = await serverFor(t, { data });
    assert.equal(await server.stop(), 0);
    await rename(join(data, 'store'), join(data, 'newest'));
    await rename(join(data, 'copy'), join(data, 'store'));
    await assertRefused(data, 1, /This is a copy of the store, or was restored/);
    await rm(join(data, 'store'), { recursive: true });
    await rename(join(other, 'store'), join(data, 'store'));
    await assertRefused(
      data,
      2,
      /belongs to the catalog [0-9a-f]{32}, and the one in \/.*catalog\.sqlite is/,
    );
  });

  it('is not served without its catalog, except with --accept-catalog', async (t) => {
    const data = await usedFolder(t);
    await rename(join(data, 'catalog.sqlite'), join(data, 'away.sqlite'));
    await assertRefused(data, 1, /There is no catalog in \/.*catalog\.sqlite/);
    const server = await serverFor(t, { data, flags: ['--accept-catalog'] });
    assert.match(server.errors(), /this catalog is empty but the store is not/);
    assert.equal(await server.stop(), 0);
  });
});

describe('a lost key or note', () => {
  it('is not silently replaced', async (t) => {
    const data = await usedFolder(t);
    await rename(join(data, 'master.key'), join(data, 'away.key'));
    await assertRefused(data, 1, /There is no \/.*master\.key, .*Restore the key from a backup/);
    await rename(join(data, 'catalog.sqlite'), join(data, 'away.sqlite'));
    await assertRefused(data, 1, /There is no /);
  });

  for (const name of ['time-seen', 'commit-number']) {
    it(`is reported if it is empty: ${name}`, async (t) => {
      const data = await usedFolder(t);
      const path = join(data, 'store', 'notes', name);
      await writeFile(path, '');
      const { code, errors } = await start(data);
      assert.equal(code, 1);
      assert.match(errors, new RegExp(`${path} is damaged: it is empty`));
    });
  }
});

describe('an emulator', () => {
  it('does not start over a real store, whatever happened to the catalog', async (t) => {
    const data = await usedFolder(t);
    await assertRefused(data, 2, /was not made by an emulator/, '--emulator');
    await rename(join(data, 'catalog.sqlite'), join(data, 'away.sqlite'));
    const accepts = ['--accept-catalog', '--accept-empty-store'];
    await assertRefused(data, 2, /was not made by an emulator/, '--emulator', ...accepts);
    await rename(join(data, 'away.sqlite'), join(data, 'catalog.sqlite'));
    const server = await serverFor(t, { data });
    const jobs = jobsOf(apiOf(server));
    assert.match(await jobs.inventory('v'), /"Size":300000/);
    assert.equal(await server.stop(), 0);
  });

  it('does not start over a real store of the version before form 3', async (t) => {
    const data = await oldStore(t);
    await assertRefused(data, 2, /was not made by an emulator/, '--emulator');
    await rename(join(data, 'catalog.sqlite'), join(data, 'away.sqlite'));
    await assertRefused(data, 2, /was not made by an emulator/, '--emulator', '--accept-catalog');
    await rename(join(data, 'away.sqlite'), join(data, 'catalog.sqlite'));
    const server = await serverFor(t, { data, ...OLD_STORE_START });
    assert.equal(await server.stop(), 0);
  });

  it('has a store that servers refuse', async (t) => {
    const data = await usedFolder(t, ['--emulator']);
    await assertRefused(data, 2, /was made by an emulator/);
  });

  it('does not reset a store that turns out not to be its own', async (t) => {
    const [data, real] = [await usedFolder(t, ['--emulator']), await usedFolder(t)];
    const server = await serverFor(t, { data, flags: ['--emulator'] });
    // Replaces the emulator's identity by that of a real store.
    await cp(join(real, 'store', 'identity.json'), join(data, 'store', 'identity.json'));
    const answer = await fetch(`${server.url}/_moraine/emulator/reset`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    });
    assert.equal(answer.status, 400);
    assert.match(await answer.text(), /not made by an emulator/);
    assert.match(await jobsOf(apiOf(server)).inventory('v'), /"Size":300000/);
  });
});
