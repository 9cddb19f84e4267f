/** `moraine rebuild` gives back from the store and the master key all that the catalog had. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { withCommandDeps } from '../../src/app/command-deps.ts';
import { type RebuildReport, rebuild } from '../../src/app/rebuild.ts';
import { DiskStore } from '../../src/blobs/disk/disk-store.ts';
import { readConfig } from '../../src/config/read.ts';
import { nodeHash } from '../../src/hashing/node-hash.ts';
import { treeHash } from '../../src/treehash/index.ts';
import { adminOf } from '../support/admin.ts';
import { type Api, apiOf, assertEmpty, assertJson } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { useImports } from '../support/imports.ts';
import { jobsOf } from '../support/jobs.ts';
import { locksOf } from '../support/locks.ts';
import { placeOf } from '../support/pack-reader.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { createDatabase, skipWithoutPostgres } from '../support/postgres.ts';
import { dumpAll } from '../support/rebuild-dump.ts';
import { type People, usePeople } from '../support/rebuild-people.ts';
import type { Credentials, TestServer } from '../support/server.ts';
import { storeFiles } from '../support/store-files.ts';
import { emptyVault, endedTask } from '../support/tasks.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

const KILLED = fileURLToPath(new URL('../support/rebuild-killed.ts', import.meta.url));
const REGIONS = ['us-east-1', 'eu-west-1'] as const;
/** Too large for a pack. */
const LARGE = 300_000;

/** Sends the parts, each but the last of one MiB, and completes the upload; gives the archive's id. */
async function uploadParts(
  api: Api,
  vault: string,
  parts: readonly Uint8Array[],
  description?: string,
): Promise<string> {
  const id = await api.initiate(vault, MIB, description);
  for (const [i, part] of parts.entries()) assertEmpty(await api.putPart(vault, id, i * MIB, part), 204);
  const whole = Buffer.concat(parts);
  const answer = await api.complete(vault, id, whole.length, treeHash(whole));
  assertEmpty(answer, 201);
  return answer.headers['x-amz-archive-id'] ?? '';
}

async function change(api: Api, method: string, target: string, body?: unknown): Promise<void> {
  const options = body === undefined ? {} : { body: JSON.stringify(body) };
  assertEmpty(await api.call(method, `/-/${target}`, options), 204);
}

/** Archives of every kind, some deleted; uploads that are open, aborted, and with a part that was replaced. */
async function useArchives(api: Api): Promise<void> {
  const small: string[] = [];
  for (let i = 0; i < 6; i++) small.push(await api.upload('full', patternBytes(500 + i), `"small" \\ ${i}`));
  await api.upload('full', patternBytes(LARGE));
  const large = await api.upload('full', patternBytes(LARGE + 1), 'deleted');
  await uploadParts(api, 'full', [patternBytes(MIB), patternBytes(7)], 'in parts');
  const parts = await uploadParts(api, 'full', [patternBytes(9)]);
  for (const id of [small[0], small[3], large, parts])
    await change(api, 'DELETE', `vaults/full/archives/${id}`);
  const open = await api.initiate('full', MIB, 'still open');
  for (const [first, size] of [
    [0, MIB],
    [2 * MIB, 50],
    [0, LARGE],
  ] as const)
    assertEmpty(await api.putPart('full', open, first, patternBytes(size)), 204);
  await api.initiate('full', 4 * MIB);
  const aborted = await api.initiate('full', MIB);
  assertEmpty(await api.putPart('full', aborted, 0, patternBytes(3)), 204);
  await change(api, 'DELETE', `vaults/full/multipart-uploads/${aborted}`);
}

/** Vaults with all that can be in them and on them; one that is gone, one made again. */
async function useVaults(api: Api): Promise<void> {
  for (const name of ['full', 'locked', 'trying', 'empty', 'again', 'gone']) await api.createVault(name);
  await useArchives(api);
  await change(api, 'POST', 'vaults/full/tags?operation=add', { Tags: { colour: 'blue', 'größe +1': '' } });
  await change(api, 'POST', 'vaults/full/tags?operation=remove', { TagKeys: ['colour'] });
  const config = {
    SNSTopic: 'arn:aws:sns:us-east-1:123456789012:jobs',
    Events: ['ArchiveRetrievalCompleted'],
  };
  for (const name of ['full', 'empty'])
    await change(api, 'PUT', `vaults/${name}/notification-configuration`, config);
  await change(api, 'DELETE', 'vaults/empty/notification-configuration');
  const locks = locksOf(api);
  await api.upload('locked', 'for a day at least');
  await change(api, 'PUT', 'vaults/locked/access-policy', { Policy: JSON.stringify(denial(api, 'locked')) });
  assertEmpty(await locks.complete('locked', await locks.begin('locked', denial(api, 'locked'))), 204);
  await locks.begin('trying', denial(api, 'trying'));
  for (const name of ['gone', 'again']) await change(api, 'DELETE', `vaults/${name}`);
  await api.createVault('again');
  await api.upload('again', 'of the second vault of this name');
}

const denial = (api: Api, vault: string) => ({
  Version: '2012-10-17',
  Statement: {
    Effect: 'Deny',
    Principal: '*',
    Action: 'glacier:DeleteArchive',
    Resource: api.vaultArn(vault),
    Condition: { NumericLessThan: { 'glacier:ArchiveAgeInDays': '1' } },
  },
});

/** Old keys and session tokens work, a disabled one does not, and no number of a user is used again. */
async function assertPeople(server: TestServer, { ann, disabled, session }: People): Promise<void> {
  const list = (who: Credentials, headers = {}) =>
    apiOf({ ...server, ...who }).call('GET', '/-/vaults', { headers });
  assert.equal((await list(ann)).status, 200);
  assert.equal((await list(session, { 'x-amz-security-token': session.sessionToken })).status, 200);
  assert.equal((await list(disabled)).status, 400);
  const user = { account: ann.accountId, name: 'new', userId: 'AIDANEW', createdMs: 1 };
  const apart = await withCommandDeps(readConfig({ data: server.data }), async ({ catalog }) => {
    const before = await catalog.findUser(ann.accountId, 'ann');
    return (await catalog.createUser(user)).no - (before?.no ?? 0);
  });
  // The one in between was deleted.
  assert.equal(apart, 2);
}

async function rebuilt(
  data: string,
  code: number,
  ...flags: string[]
): Promise<{ output: string; errors: string }> {
  const ended = await runMoraine(['rebuild', '--data', data, ...flags]);
  assert.equal(ended.code, code, ended.output + ended.errors);
  return ended;
}

/** A rebuild in this process. */
function rebuildHere(data: string, replace = false): Promise<RebuildReport> {
  return rebuild(readConfig({ data }), { replace, onStep() {}, onDamage() {} });
}

async function removeCatalog(data: string): Promise<void> {
  for (const suffix of ['', '-wal', '-shm']) await rm(join(data, `catalog.sqlite${suffix}`), { force: true });
}

async function read(
  api: Api,
  vault: string,
  id: string,
  range?: string,
): Promise<{ status: number; bytes: Buffer }> {
  const jobs = jobsOf(api);
  return jobs.output(vault, await jobs.startRetrieval(vault, id), range);
}

interface Kind {
  readonly name: string;
  /** Prepares a data folder; returns what deletes the catalog. */
  prepare(t: TestContext, data: string): Promise<() => Promise<void>>;
}

const SQLITE: Kind = { name: 'SQLite', prepare: async (_, data) => () => removeCatalog(data) };
const POSTGRES: Kind = {
  name: 'PostgreSQL',
  async prepare(t, data) {
    const { url, drop } = await createDatabase();
    t.after(drop);
    await writeFile(join(data, 'config.json'), JSON.stringify({ catalog: url }));
    return async () => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query('drop schema public cascade; create schema public');
      await client.end();
    };
  },
};

for (const kind of [SQLITE, POSTGRES]) {
  const skip = kind === POSTGRES && skipWithoutPostgres();
  describe(`a rebuilt catalog: ${kind.name}`, { skip }, () => {
    it('shows what the lost one showed, and lets the same people in', async (t) => {
      const data = await folderFor(t);
      const removeIt = await kind.prepare(t, data);
      const server = await serverFor(t, { data });
      const api = apiOf(server);
      await useVaults(api);
      const assertImports = await useImports(api);
      const people = await usePeople(server);
      const Rules = [{ Strategy: 'BytesPerHour', BytesPerHour: 1_000_000 }];
      await change(api, 'PUT', 'policies/data-retrieval', { Policy: { Rules } });
      assert.equal((await api.call('POST', '/-/provisioned-capacity')).status, 201);
      const elsewhere = apiOf({ ...server, ...people.roots[1] } as TestServer, 'eu-west-1');
      await elsewhere.createVault('elsewhere');
      const kept = await elsewhere.upload('elsewhere', 'far away');
      const before = await dumpAll(server, people.roots, REGIONS);
      await assert.rejects(rebuildHere(data), /another server is using/);
      await server.kill();
      await removeIt();
      // A command must not make an empty catalog.
      const listing = withCommandDeps(readConfig({ data }), async () => {});
      await assert.rejects(listing, /There is no catalog in/);
      const { output, errors } = await rebuilt(data, 0);
      assert.match(
        output,
        /^restored: 2 accounts, 1 user, 4 access keys, 7 vaults, 11 archives, 3 open uploads$/m,
      );
      assert.match(output, /^damaged: nothing$/m);
      assert.match(errors, /reading journal file 1 of/);
      await assert.rejects(rebuildHere(data), /there is a catalog in .*give --replace/);
      assert.match((await rebuildHere(data, true)).replaced ?? '', /moraine_replaced_|catalog-replaced-/);
      const again = await serverFor(t, { data });
      assert.doesNotMatch(again.errors(), /older than the store|"level":50/);
      assert.equal(again.accessKeyId, server.accessKeyId);
      assert.deepEqual(await dumpAll(again, people.roots, REGIONS), before);
      await assertImports(apiOf(again));
      await assertPeople(again, people);
      const there = apiOf({ ...again, ...people.roots[1] } as TestServer, 'eu-west-1');
      assert.equal((await read(there, 'elsewhere', kept)).bytes.toString(), 'far away');
      if (kind === SQLITE) assert.match((await adminOf(data).run('audit', 'verify')).join('\n'), /OK/);
      assert.match(await auditLog(data), /"eventName":"RebuildCatalog"/);
      assert.equal(await again.stop(), 0);
    });
  });
}

/** A data folder of a server that was killed. */
interface Killed {
  readonly data: string;
  readonly server: TestServer;
  /** Its archives, one of each kind, in the vault `v`. */
  readonly ids: Readonly<Record<'small' | 'large' | 'parts', string>>;
}

/** @param copiesCatalog whether `old.sqlite` is the catalog from before the archives. */
async function killedServer(t: TestContext, copiesCatalog = false): Promise<Killed> {
  const data = await folderFor(t);
  let server = await serverFor(t, { data });
  await apiOf(server).createVault('v');
  if (copiesCatalog) {
    await server.stop();
    await copyFile(join(data, 'catalog.sqlite'), join(data, 'old.sqlite'));
    server = await serverFor(t, { data });
  }
  const api = apiOf(server);
  const parts = [patternBytes(MIB), patternBytes(MIB).reverse(), patternBytes(9)];
  const ids = {
    small: await api.upload('v', patternBytes(700), 'small'),
    large: await api.upload('v', patternBytes(LARGE), 'large'),
    parts: await uploadParts(api, 'v', parts, 'parts'),
  };
  await server.kill();
  return { data, ids, server };
}

/** Starts a server again; gives its log so far, and its API. */
async function startAgain(
  t: TestContext,
  { data, server }: Killed,
  flags: readonly string[] = [],
): Promise<{ api: Api; errors: string; running: TestServer }> {
  const running = await serverFor(t, { data, flags });
  const { accessKeyId, secretAccessKey } = server;
  return { api: apiOf({ ...running, accessKeyId, secretAccessKey }), errors: running.errors(), running };
}

async function archiveIds(api: Api): Promise<string[]> {
  const { ArchiveList } = JSON.parse(await jobsOf(api).inventory('v')) as {
    ArchiveList: { ArchiveId: string }[];
  };
  return ArchiveList.map(({ ArchiveId }) => ArchiveId).sort();
}

describe('a rebuild', () => {
  it('goes on after a kill at any step', async (t) => {
    const killed = await killedServer(t);
    const { data, ids } = killed;
    await removeCatalog(data);
    for (const step of ['reading blobs: 128', 'writing', 'tying', 'putting']) {
      const { signal, stderr } = spawnSync(process.execPath, [KILLED, data, step], { encoding: 'utf8' });
      assert.equal(signal, 'SIGKILL', stderr);
      assert.equal(existsSync(join(data, 'catalog.sqlite')), false);
    }
    await rebuilt(data, 0);
    const left = (await readdir(data)).filter((name) => name.includes('rebuil'));
    assert.deepEqual(left, []);
    const { api, errors } = await startAgain(t, killed);
    assert.doesNotMatch(errors, /older than the store/);
    assert.deepEqual(await archiveIds(api), Object.values(ids).sort());
  });

  it('replaces an older catalog if told, and takes back what was set aside', async (t) => {
    const killed = await killedServer(t, true);
    const { data, ids } = killed;
    const blobs = new DiskStore(join(data, 'store'), randomBytes, nodeHash);
    const ref = await packedRef(data);
    const { label, size } = await blobs.describe(ref);
    await blobs.setAside([{ ref, size, ...label }], 1);
    await blobs.close();
    await removeCatalog(data);
    await copyFile(join(data, 'old.sqlite'), join(data, 'catalog.sqlite'));
    const older = await startAgain(t, killed);
    assert.match(older.errors, /the catalog is older than the store/);
    await older.running.kill();
    const { output } = await rebuilt(data, 0, '--replace');
    assert.match(output, /^the old catalog is kept as .*catalog-replaced-\d+\.sqlite$/m);
    const { api, errors } = await startAgain(t, killed, ['--keep-aside', '0s']);
    assert.doesNotMatch(errors, /older than the store/);
    assert.deepEqual(await archiveIds(api), Object.values(ids).sort());
    assert.equal((await read(api, 'v', ids.small)).bytes.length, 700);
  });

  it('names what is damaged, restores the rest, and lets intact ranges be read', async (t) => {
    const killed = await killedServer(t);
    const { data, ids } = killed;
    await removeCatalog(data);
    const store = join(data, 'store');
    const ref = await packedRef(data);
    const { path, start, bytes } = await placeOf(store, ref);
    const pack = await readFile(path);
    pack[start + bytes - 100] = (pack[start + bytes - 100] ?? 0) ^ 1;
    await writeFile(path, pack);
    // Without its marker, the pack is confirmed up to its end: what is not whole is damage, not the work of a crash.
    for (const name of await readdir(join(store, 'incoming'))) await rm(join(store, 'incoming', name));
    await rm(await fileOfPart(data, MIB));
    const { output } = await rebuilt(data, 6);
    assert.match(
      output,
      new RegExp(`^damaged: blob ${ref.replace('.', '\\.')} is damaged: its description`, 'm'),
    );
    assert.match(
      output,
      /^damaged: archive \S+ of the vault \d+\/us-east-1\/v: bytes 1048576-2097151 are missing$/m,
    );
    assert.match(output, /^damaged: 2 things, named above$/m);
    const { api } = await startAgain(t, killed);
    assert.deepEqual(await archiveIds(api), [ids.large, ids.parts].sort());
    assert.equal((await read(api, 'v', ids.large)).bytes.length, LARGE);
    assert.deepEqual((await read(api, 'v', ids.parts, `bytes=0-${MIB - 1}`)).bytes, patternBytes(MIB));
    assert.equal((await read(api, 'v', ids.parts, `bytes=${MIB}-${MIB + 10}`)).status, 500);
    const end = `bytes=${2 * MIB}-${2 * MIB + 8}`;
    assert.deepEqual((await read(api, 'v', ids.parts, end)).bytes, patternBytes(9));
  });

  it('leaves nothing to be removed where the journal is damaged, and says so', async (t) => {
    const killed = await killedServer(t);
    const { data, ids } = killed;
    await removeCatalog(data);
    const folder = join(data, 'store', 'journal');
    const [name = ''] = await readdir(folder);
    const text = await readFile(join(folder, name), 'utf8');
    await writeFile(join(folder, name), text.replace('"upload-started"', '"upload-stopped"'));
    const { output } = await rebuilt(data, 6, '--json');
    const [damage, report] = output
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.deepEqual([damage.type, report.type, report.journalDamaged], ['damage', 'rebuilt', true]);
    assert.match(damage.what, /a journal line does not match its checksum/);
    const before = [...(await storeFiles(data)).blobs].sort();
    const { api, errors } = await startAgain(t, killed);
    assert.match(errors, /Nothing is swept/);
    assert.deepEqual([...(await storeFiles(data)).blobs].sort(), before);
    assert.deepEqual(await archiveIds(api), Object.values(ids).sort());
    assert.equal((await read(api, 'v', ids.parts)).bytes.length, 2 * MIB + 9);
  });

  it('is refused where the journal has an entry of an unknown type; a server then removes nothing', async (t) => {
    const killed = await killedServer(t);
    const { data } = killed;
    const blobs = new DiskStore(join(data, 'store'), randomBytes, nodeHash);
    await blobs.appendEntries([{ seq: 1, body: { type: 'archive-frozen' } }]);
    await blobs.close();
    const { api, errors, running } = await startAgain(t, killed);
    assert.match(errors, /"unknown":\["archive-frozen"\].*Nothing is swept, removed or expired/);
    assert.equal(assertJson(await api.call('GET', '/-/vaults/v'))['NumberOfArchives'], 3);
    await running.kill();
    const refused = await rebuilt(data, 1, '--replace');
    assert.match(refused.errors, /entries of types that this version .*archive-frozen/);
    assert.ok(existsSync(join(data, 'catalog.sqlite')));
  });

  it('applies the entries of later versions: imports, numbers, bulk deletions, used ids', async (t) => {
    const killed = await killedServer(t);
    const { data, ids, server } = killed;
    await removeCatalog(data);
    const of = { account: server.accountId, region: 'us-east-1', vault: 'v' };
    const nowMs = Date.now();
    const upTo = (nowMs + 1) * 1024;
    const dates = { createdMs: 5000, arrivedMs: nowMs };
    const bodies = [
      { type: 'archives-kept', ...of, bulkId: 'b', archiveIds: [ids.large] },
      { type: 'archives-deleted', ...of, bulkId: 'b', upTo, kept: 1, at: nowMs },
      { type: 'archive-numbered', ...of, archiveId: ids.parts, number: upTo + 1 },
      { type: 'archive-imported', ...of, archiveId: ids.parts, ...dates },
      { type: 'ids-used', ...of, archiveIds: ['never-here'] },
      // Some of what this one keeps is not named, so it must not delete anything.
      { type: 'archives-deleted', ...of, bulkId: 'c', upTo: upTo + 2, kept: 1, at: nowMs },
    ];
    const blobs = new DiskStore(join(data, 'store'), randomBytes, nodeHash);
    await blobs.appendEntries(bodies.map((body, i) => ({ seq: 1_000_000 + i, body })));
    await blobs.close();
    const { output } = await rebuilt(data, 6);
    assert.match(
      output,
      /^damaged: the bulk deletion c keeps 1 archives, of which the journal names only 0/m,
    );
    const { api } = await startAgain(t, killed);
    assert.deepEqual(await archiveIds(api), [ids.large, ids.parts].sort());
    const { ArchiveList } = JSON.parse(await jobsOf(api).inventory('v'));
    assert.equal(ArchiveList[0].CreationDate, '1970-01-01T00:00:05Z');
    // Its age counts from the import.
    await change(api, 'PUT', 'vaults/v/access-policy', { Policy: JSON.stringify(denial(api, 'v')) });
    const refused = await api.call('DELETE', `/-/vaults/v/archives/${ids.parts}`);
    assert.equal(refused.status, 403, refused.text);
  });

  it('knows what tasks deleted, and what was uploaded since', async (t) => {
    const data = await folderFor(t);
    let server = await serverFor(t, { data });
    const { accountId, accessKeyId, secretAccessKey } = server;
    const key = { accountId, accessKeyId, secretAccessKey };
    let before: readonly string[] = [];
    for (let round = 0; round < 2; round++) {
      const api = apiOf({ ...server, ...key });
      if (round === 0) await api.createVault('v');
      else assert.deepEqual(await archiveIds(api), before);
      await api.upload('v', 'a single one');
      await uploadParts(api, 'v', [patternBytes(MIB), patternBytes(7)]);
      const { TaskId, ArchiveCount } = await emptyVault(api, 'v');
      assert.equal(ArchiveCount, before.length + 2);
      before = [
        await api.upload('v', `after task ${round}`),
        await uploadParts(api, 'v', [patternBytes(9)]),
      ].sort();
      // Once the rows are still there, once they are gone.
      if (round === 1) assert.equal((await endedTask(api, TaskId)).State, 'Succeeded');
      await server.kill();
      await removeCatalog(data);
      await rebuilt(data, 0);
      server = await serverFor(t, { data });
    }
    assert.deepEqual(await archiveIds(apiOf({ ...server, ...key })), before);
  });

  it('gives back all but the keys without master.key', async (t) => {
    const { data, ids } = await killedServer(t);
    await removeCatalog(data);
    await rm(join(data, 'master.key'));
    const { output } = await rebuilt(data, 0);
    assert.match(output, /^not restored: 1 access key, because there is no master\.key: AKIA/m);
    await writeFile(join(data, 'master.key'), randomBytes(32).toString('hex'));
    // The first start makes a new first key.
    const again = await serverFor(t, { data });
    assert.deepEqual(await archiveIds(apiOf(again)), Object.values(ids).sort());
  });
});

async function auditLog(data: string): Promise<string> {
  const folder = join(data, 'audit');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.log'));
  return (await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))).join('');
}

/** The reference of the packed blob. */
async function packedRef(data: string): Promise<string> {
  return (await storeFiles(data)).blobs.find((ref) => ref.includes('.')) ?? '';
}

/** The file of the part at an offset. */
async function fileOfPart(data: string, offset: number): Promise<string> {
  const store = join(data, 'store');
  const blobs = new DiskStore(store, randomBytes, nodeHash);
  for (const ref of (await storeFiles(data)).blobs.filter((one) => !one.includes('.'))) {
    const { label } = await blobs.describe(ref);
    if (label.kind === 'part' && label.offset === offset) return join(store, 'blobs', ref.slice(-2), ref);
  }
  throw new Error(`there is no file of a part at ${offset}`);
}
