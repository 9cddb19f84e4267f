/** A completed lock survives the loss of the catalog, and is checked again when a deletion commits. */
import assert from 'node:assert/strict';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { readJournals } from '../../../src/blobs/disk/journal-files.ts';
import type { JournalEntry } from '../../../src/domain/blob-store.ts';
import { adminOf } from '../../support/admin.ts';
import { type Api, apiOf, assertJson } from '../../support/api.ts';
import { HARMLESS_LOCK } from '../../support/every-operation.ts';
import { denyDelete, lockNotes, locksOf, YEAR_LOCK } from '../../support/locks.ts';
import { eventually } from '../../support/poll.ts';
import type { Answer } from '../../support/request.ts';
import { startServer, type TestServer, temporaryFolder } from '../../support/server.ts';
import { storeFiles } from '../../support/store-files.ts';
import { readNote } from '../../support/store-reader.ts';

const HOLD = 'glacier:ResourceTag/LegalHold';

async function folderFor(t: TestContext): Promise<string> {
  const data = await temporaryFolder();
  t.after(() => rm(data, { recursive: true, force: true }));
  return data;
}

/** Runs `work` with a server over the folder, then stops the server; returns its log. */
async function withServer(
  data: string,
  work: (api: Api, server: TestServer) => Promise<void>,
  flags: string[] = [],
): Promise<string> {
  const server = await startServer({ data, flags });
  try {
    await work(apiOf(server), server);
  } finally {
    assert.equal(await server.stop(), 0);
  }
  return server.errors();
}

/** Copies the catalog of a stopped server, or restores such a copy. */
async function copyCatalog(from: string, to: string): Promise<void> {
  for (const suffix of ['-wal', '-shm']) await rm(`${to}${suffix}`, { force: true });
  await cp(from, to);
}

describe('a catalog restored from a copy made before the lock', () => {
  it('gets the lock back at the start, which the log reports', async (t) => {
    const data = await folderFor(t);
    const [catalog, copy] = [join(data, 'catalog.sqlite'), join(data, 'copy.sqlite')];
    let archive = '';
    await withServer(data, async (api) => {
      await api.createVault('v');
      archive = await api.upload('v', 'x');
    });
    await copyCatalog(catalog, copy);
    let before: unknown;
    await withServer(data, async (api) => {
      const locks = locksOf(api);
      assert.equal((await locks.complete('v', await locks.begin('v'))).status, 204);
      before = assertJson(await locks.get('v'));
    });
    await copyCatalog(copy, catalog);
    const log = await withServer(data, async (api) => {
      assert.deepEqual(assertJson(await locksOf(api).get('v')), before);
      assert.equal((await locksOf(api).remove('v', archive)).status, 403);
      assert.equal((await locksOf(api).abort('v')).status, 403);
    });
    assert.match(log, /"level":50.*arn:aws:glacier:us-east-1:\d{12}:vaults\/v.*had lost the locks/);
    assert.match(log, /the catalog is older than the store/);
  });

  it('stops the sweeper until the catalog is accepted', async (t) => {
    const data = await folderFor(t);
    const [catalog, copy] = [join(data, 'catalog.sqlite'), join(data, 'copy.sqlite')];
    let known = '';
    await withServer(data, async (api) => {
      await api.createVault('v');
      known = await api.upload('v', 'known to both');
    });
    await copyCatalog(catalog, copy);
    await withServer(data, async (api) => {
      await api.createVault('later');
      await api.upload('later', 'known to the store alone');
    });
    await copyCatalog(copy, catalog);
    const blobs = (await storeFiles(data)).blobs.length;
    const log = await withServer(data, async (api) => {
      assert.equal((await locksOf(api).remove('v', known)).status, 204);
    });
    assert.match(log, /Nothing is swept, removed or expired until `moraine catalog accept`/);
    // Sweeping stays stopped at the next start: the commit numbers have caught up, but the archive is still missing.
    assert.match(await withServer(data, async () => {}), /Nothing is swept, removed or expired/);
    assert.equal((await storeFiles(data)).blobs.length, blobs);
    await adminOf(data).run('catalog', 'accept');
    const accepted = await withServer(data, async () => {
      await eventually('the deleted archive to be swept', async () => {
        return (await storeFiles(data)).blobs.length === blobs - 1;
      });
    });
    assert.doesNotMatch(accepted, /Nothing is swept/);
    // The archive that is missing from the older catalog is still in the store.
    assert.equal((await storeFiles(data)).blobs.length, blobs - 1);
  });

  it('or an empty one: the log names the locked vaults that it lacks', async (t) => {
    const data = await folderFor(t);
    await withServer(data, (api) => locksOf(api).lockedVault('v'));
    for (const suffix of ['', '-wal', '-shm'])
      await rm(join(data, `catalog.sqlite${suffix}`), { force: true });
    const server = await startServer({ data, flags: ['--accept-catalog'] });
    await server.stop();
    assert.match(server.errors(), /vaults\/v.*the store has locks of vaults that the catalog does not know/);
    assert.match(server.errors(), /this catalog is empty but the store is not/);
    assert.equal((await lockNotes(data)).length, 1);
  });
});

describe("a completed lock's note in the store", () => {
  it('exists when CompleteVaultLock is answered, and is removed with the vault', async (t) => {
    const data = await folderFor(t);
    await withServer(data, async (api) => {
      await api.createVault('v');
      const locks = locksOf(api);
      const id = await locks.begin('v', HARMLESS_LOCK);
      assert.deepEqual(await lockNotes(data), []);
      await locks.complete('v', id);
      const [name = ''] = await lockNotes(data);
      const text = await readNote(join(data, 'store', 'notes', name));
      assert.equal(JSON.parse(text).lock.state, 'Locked');
      assert.ok(!text.includes(id));
      assert.equal((await api.call('DELETE', '/-/vaults/v')).status, 204);
      assert.deepEqual(await lockNotes(data), []);
    });
  });

  it('is written again at the start if it was lost', async (t) => {
    const data = await folderFor(t);
    await withServer(data, (api) => locksOf(api).lockedVault('v'));
    const [name = ''] = await lockNotes(data);
    const path = join(data, 'store', 'notes', name);
    const text = await readNote(path);
    await rm(path);
    await withServer(data, async () => {});
    assert.equal(await readNote(path), text);
  });

  it('that a crash left behind does not lock a later vault of the same name', async (t) => {
    const data = await folderFor(t);
    await withServer(data, (api) => locksOf(api).lockedVault('v', HARMLESS_LOCK));
    const [name = ''] = await lockNotes(data);
    const path = join(data, 'store', 'notes', name);
    const text = await readFile(path, 'utf8');
    await withServer(data, async (api) => {
      assert.equal((await api.call('DELETE', '/-/vaults/v')).status, 204);
      await api.createVault('v');
    });
    await writeFile(path, text);
    const log = await withServer(data, async (api) => {
      assert.equal((await locksOf(api).get('v')).status, 404);
    });
    assert.doesNotMatch(log, /had lost the locks/);
    assert.deepEqual(await readdir(join(data, 'store', 'notes')).then((all) => all.includes(name)), false);
  });
});

const isDone = ({ status }: Answer): boolean => status === 204;

/** Entries of the journal in the order of their commits. */
async function factsOf(data: string): Promise<Record<string, unknown>[]> {
  // A repeated number is the same entry.
  const entries = new Map<number, JournalEntry>();
  for await (const entry of readJournals(join(data, 'store', 'journal'))) entries.set(entry.seq, entry);
  return [...entries.values()].sort((a, b) => a.seq - b.seq).map(({ body }) => body);
}

describe('concurrent deletions', () => {
  it('never commit after a lock that was initiated and completed meanwhile', async (t) => {
    const data = await folderFor(t);
    const rounds = 12;
    await withServer(
      data,
      async (api) => {
        for (let round = 0; round < rounds; round++) await raceForLock(api, `v${round}`);
      },
      ['--workers', '2'],
    );
    const facts = await factsOf(data);
    for (let round = 0; round < rounds; round++) {
      const types = facts.filter(({ vault }) => vault === `v${round}`).map(({ type }) => type);
      assert.equal(types.filter((type) => type === 'vault-lock').length, 2);
      assert.ok(!types.slice(types.indexOf('vault-lock')).includes('archive-deleted'), types.join());
    }
  });

  it('commit only while no legal hold is set', async (t) => {
    const data = await folderFor(t);
    await withServer(data, raceForHold, ['--workers', '2']);
    let held = false;
    let deleted = 0;
    for (const { type, vault, tags } of await factsOf(data)) {
      if (vault !== 'v') continue;
      if (type === 'vault-tags') held = (tags as Record<string, string>)['LegalHold'] === 'true';
      if (type !== 'archive-deleted') continue;
      deleted++;
      assert.equal(held, false, `deletion ${deleted} was committed under a legal hold`);
    }
    assert.ok(deleted > 0);
  });
});

async function raceForLock(api: Api, vault: string): Promise<void> {
  const locks = locksOf(api);
  await api.createVault(vault);
  const archives = await Promise.all(Array.from({ length: 16 }, (_, i) => api.upload(vault, `a${i}`)));
  const some = (from: number, to: number) => archives.slice(from, to).map((id) => locks.remove(vault, id));
  const early = some(0, 6);
  const initiated = locks.begin(vault, YEAR_LOCK);
  const meanwhile = some(6, 12);
  assert.equal((await locks.complete(vault, await initiated)).status, 204);
  const late = await Promise.all(some(12, 16));
  assert.deepEqual(
    late.map(({ status }) => status),
    [403, 403, 403, 403],
  );
  const raced = await Promise.all([...early, ...meanwhile]);
  for (const { status, text } of raced) assert.ok([204, 400, 403].includes(status), text);
  const left = archives.length - raced.filter(isDone).length;
  assert.equal(assertJson(await api.call('GET', `/-/vaults/${vault}`))['NumberOfArchives'], left);
}

async function raceForHold(api: Api): Promise<void> {
  const locks = locksOf(api);
  await locks.lockedVault('v', denyDelete({ StringEquals: { [HOLD]: 'true' } }));
  const archives = await Promise.all(Array.from({ length: 60 }, (_, i) => api.upload('v', `a${i}`)));
  const setHold = (value: string) =>
    api.call('POST', '/-/vaults/v/tags?operation=add', {
      body: JSON.stringify({ Tags: { LegalHold: value } }),
    });
  for (let i = 0; i < archives.length; i += 6) {
    const deletions = archives.slice(i, i + 6).map((id) => locks.remove('v', id));
    const answers = await Promise.all([setHold('true'), ...deletions]);
    for (const { status, text } of answers) assert.ok([204, 400, 403].includes(status), text);
    const refused = await locks.remove('v', archives.at(-1) ?? '');
    // If this batch deletes the last archive, there is nothing left to protect.
    assert.ok(i + 6 >= archives.length || refused.status === 403, refused.text);
    assert.equal((await setHold('false')).status, 204);
  }
}
