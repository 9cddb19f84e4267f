/** A server whose store is in a bucket and whose catalog is in PostgreSQL. */
import assert from 'node:assert/strict';
import { cp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { type Api, apiOf } from '../support/api.ts';
import { collect } from '../support/blob-store-contract.ts';
import { runMoraine } from '../support/command.ts';
import { jobsOf } from '../support/jobs.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { createDatabase, skipWithoutPostgres, type TestDatabase } from '../support/postgres.ts';
import { openPlace, startBucket, type TestBucket, withoutS3 } from '../support/s3-engine.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';

async function assertReadable(api: Api, id: string, bytes: Uint8Array): Promise<void> {
  const jobs = jobsOf(api);
  const job = await jobs.startRetrieval('v', id);
  await jobs.untilDone('v', job);
  const { status, bytes: found } = await jobs.output('v', job);
  assert.equal(status, 200);
  assert.deepEqual(Buffer.from(found), Buffer.from(bytes));
}

describe('a server over a bucket', { skip: withoutS3 || skipWithoutPostgres() }, () => {
  let bucket: TestBucket;
  let database: TestDatabase;
  let data: string;
  before(async () => {
    [bucket, database, data] = [await startBucket(), await createDatabase(), await temporaryFolder()];
  });
  after(async () => {
    await bucket.close();
    await database.drop();
    await rm(data, { recursive: true });
  });

  it('keeps all archives there, through a stop, a kill, a lost disk of all but the key, and a lost database', async (t) => {
    const place = bucket.newPlace();
    const objects = await openPlace(place);
    t.after(() => objects.close());
    const catalog = ['--catalog', database.url];
    const storeFlags = ['--store', `s3://${place.bucket}/${place.prefix}`];
    const engine = [
      '--store-endpoint',
      place.endpoint ?? '',
      '--store-region',
      place.region,
      '--store-path-style',
    ];
    const flags = [...catalog, ...storeFlags, ...engine, '--store-retry', '2m'];
    const env = {
      MORAINE_STORE_ACCESS_KEY_ID: place.credentials?.accessKeyId ?? '',
      MORAINE_STORE_SECRET_ACCESS_KEY: place.credentials?.secretAccessKey ?? '',
    };
    let running: TestServer | undefined;
    t.after(() => running?.kill());
    const start = async (folder = data): Promise<TestServer> => {
      running = await startServer({ data: folder, flags: [...flags, '--workers', '2'], env });
      return running;
    };

    const first = await start();
    const api = apiOf(first);
    await api.createVault('v');
    const small = await Promise.all([1, 2, 3].map((i) => api.upload('v', patternBytes(900 + i))));
    const large = await api.upload('v', patternBytes(2 * MIB + 5));
    const whole = patternBytes(2 * MIB + 7);
    const upload = await api.initiate('v', MIB);
    for (let at = 0; at < whole.length; at += MIB)
      await api.putPart('v', upload, at, whole.subarray(at, at + MIB));
    const completed = await api.complete('v', upload, whole.length, treeHash(whole));
    const parts = completed.headers['x-amz-archive-id'] ?? '';
    await assertReadable(api, parts, whole);
    assert.equal(await first.stop(), 0);
    assert.ok(!(await readdir(data)).includes('store'), 'the data folder has no store');

    const second = apiOf(await start());
    const readAgain = { ...apiOf({ ...first, url: second.url }) };
    await assertReadable(readAgain, large, patternBytes(2 * MIB + 5));
    await assertReadable(readAgain, small[0] ?? '', patternBytes(901));
    const late = await readAgain.upload('v', patternBytes(5000));
    await running?.kill();

    // Another machine: it has the key and nothing else.
    const other = await temporaryFolder();
    t.after(() => rm(other, { recursive: true }));
    await cp(join(data, 'master.key'), join(other, 'master.key'));
    const third = apiOf({ ...first, url: (await start(other)).url });
    await assertReadable(third, late, patternBytes(5000));
    const ends = async () => (await collect(objects.list('ends/'))).length;
    const gone = await third.upload('v', patternBytes(300_000));
    const held = await ends();
    for (const id of [gone, large, ...small, late])
      assert.equal((await third.call('DELETE', `/-/vaults/v/archives/${id}`)).status, 204);
    // The retrieval of the other large one can be downloaded for a day.
    await eventually('the archive that no job reads to be gone', async () => (await ends()) === held - 1);
    assert.equal(await running?.stop(), 0);

    const refused = async (args: readonly string[], why: RegExp) => {
      const { code, errors } = await runMoraine(
        ['serve', '--data', other, '--listen', '127.0.0.1:0', ...args],
        env,
      );
      assert.notEqual(code, 0);
      assert.match(errors, why);
    };
    await refused(catalog, /store/);
    await refused([...catalog, ...engine, '--store', `s3://${place.bucket}/elsewhere`], /s3:\/\/.*elsewhere/);
    await refused(
      [...catalog, '--store', 's3://no-such-bucket-here', ...engine],
      /the store s3:\/\/no-such-bucket-here\/ cannot be read/,
    );
    const settings = {
      ...env,
      MORAINE_STORE: `s3://${place.bucket}/${place.prefix}`,
      MORAINE_STORE_ENDPOINT: place.endpoint ?? '',
      MORAINE_STORE_REGION: place.region,
      MORAINE_STORE_PATH_STYLE: 'true',
    };
    const command = (args: readonly string[], own = settings) =>
      runMoraine([...args, '--data', other, ...catalog], own);
    for (const args of [['doctor'], ['scrub', 'now'], ['damage', 'check', late]]) {
      const { code, errors } = await command(args);
      assert.match(errors, /works only with a store on disk, not with s3:|no archive/, args.join(' '));
      assert.notEqual(code, 0);
    }
    // The database is lost.
    const aside = await command(['store', 'aside']);
    assert.deepEqual([aside.code, aside.errors], [0, '']);
    // A command's entries go to the journal in the bucket.
    const journals = async () => (await collect(objects.list('journal/'))).length;
    const before = await journals();
    const created = await command(['user', 'create', 'ann', '--account-id', first.accountId]);
    assert.deepEqual([created.code, created.errors], [0, '']);
    assert.ok((await journals()) > before);
    // The database is lost.
    const next = await createDatabase();
    t.after(() => next.drop());
    const rebuilt = await runMoraine(
      ['rebuild', '--replace', '--data', other, '--catalog', next.url],
      settings,
    );
    assert.equal(rebuilt.code, 0, rebuilt.errors);
    assert.match(rebuilt.output, /1 archive/);
    running = await startServer({ data: other, flags: ['--catalog', next.url], env: settings });
    await assertReadable(apiOf({ ...first, url: running.url }), parts, whole);
    assert.equal(await running.stop(), 0);
    const blind = await runMoraine([
      'user',
      'create',
      'bob',
      '--account-id',
      first.accountId,
      '--data',
      other,
      '--catalog',
      next.url,
    ]);
    assert.match(blind.errors, /there is no store at/);
  });
});
