/** Two servers over one folder, store or database: at most one of them writes. */
import assert from 'node:assert/strict';
import { cp, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { apiOf } from '../support/api.ts';
import { type Ended, runMoraine } from '../support/command.ts';
import { jobsOf } from '../support/jobs.ts';
import { patternBytes } from '../support/pattern.ts';
import { eventually } from '../support/poll.ts';
import { createDatabase, skipWithoutPostgres } from '../support/postgres.ts';
import { hashHeaders } from '../support/request.ts';
import type { TestServer } from '../support/server.ts';
import { readNote } from '../support/store-reader.ts';
import { folderFor, serverFor } from '../support/test-servers.ts';

const PATIENCE_MS = 60_000;

function start(data: string, env = {}, ...flags: string[]): Promise<Ended> {
  return runMoraine(['serve', '--data', data, '--listen', '127.0.0.1:0', '--workers', '1', ...flags], env);
}

const notedNumber = async (data: string): Promise<number> =>
  JSON.parse(await readNote(join(data, 'store', 'notes', 'commit-number'))).number;

async function healthOf({ url }: TestServer): Promise<{ status: number; text: string }> {
  const answer = await fetch(`${url}/_moraine/health`);
  return { status: answer.status, text: await answer.text() };
}

async function statusOfUpload(server: TestServer, size: number): Promise<number> {
  const body = patternBytes(size);
  const headers = hashHeaders(body);
  return (await apiOf(server).call('POST', '/-/vaults/v/archives', { headers, body })).status;
}

/** Waits until the server reports that it stopped writing, and asserts that it refuses writes and serves reads. */
async function assertFenced(server: TestServer, archive: string, reason: RegExp): Promise<void> {
  const failing = await eventually(
    'the server to stop writing',
    async () => {
      const health = await healthOf(server);
      return health.status === 503 ? health : undefined;
    },
    PATIENCE_MS,
  );
  assert.match(failing.text, reason);
  for (const size of [10, 300_000]) assert.equal(await statusOfUpload(server, size), 500);
  assert.equal((await apiOf(server).call('PUT', '/-/vaults/w')).status, 500);
  assert.equal((await apiOf(server).call('DELETE', `/-/vaults/v/archives/${archive}`)).status, 500);
  assert.equal((await apiOf(server).call('GET', '/-/vaults/v')).status, 200);
  assert.equal(server.errors().match(/"level":60/g)?.length, 1);
}

for (const workers of ['1', '2']) {
  describe(`a server with ${workers} worker(s) that loses a claim`, () => {
    const flags = ['--workers', workers];

    for (const lost of ['lock.sqlite', 'store/lock.sqlite']) {
      it(`keeps a second server out and stops writing: ${lost}`, async (t) => {
        const data = await folderFor(t);
        const server = await serverFor(t, { data, flags });
        await apiOf(server).createVault('v');
        const archive = await apiOf(server).upload('v', 'x');
        await rm(join(data, lost));
        const second = await start(data);
        assert.equal(second.code, 3, second.errors);
        assert.match(second.errors, /another server is using the (store|data folder) /);
        await assertFenced(server, archive, /a file that it had locked was removed or replaced/);
        assert.equal(await server.stop(), 0);
        const again = await serverFor(t, { data });
        assert.equal(await statusOfUpload(again, 10), 201);
      });
    }
  });
}

describe('a server that loses both claims', () => {
  it('stops writing when the next one starts, and no acknowledged write of either is lost', async (t) => {
    const data = await folderFor(t);
    const first = await serverFor(t, { data });
    await apiOf(first).createVault('v');
    const archives = [
      await apiOf(first).upload('v', 'x'),
      await apiOf(first).upload('v', patternBytes(300_000)),
    ];
    for (const lock of ['lock.sqlite', 'store/lock.sqlite']) await rm(join(data, lock));
    const second = await serverFor(t, { data });
    archives.push(await apiOf(second).upload('v', 'y'));
    await assertFenced(first, archives[0] as string, /stopped writing/);
    const jobs = jobsOf(apiOf(second));
    for (const id of archives) {
      const { status } = await jobs.output('v', await jobs.startRetrieval('v', id));
      assert.equal(status, 200);
    }
  });
});

describe('two data folders over one store', () => {
  it('cannot both be served', async (t) => {
    const [data, other] = [await folderFor(t), await folderFor(t)];
    await serverFor(t, { data });
    await cp(join(data, 'master.key'), join(other, 'master.key'));
    await symlink(join(data, 'store'), join(other, 'store'));
    const second = await start(other);
    assert.equal(second.code, 3, second.errors);
    assert.match(second.errors, new RegExp(`another server is using the store ${other}/store`));
  });
});

describe('two data folders over one PostgreSQL', { skip: skipWithoutPostgres() }, () => {
  async function place(t: TestContext) {
    const database = await createDatabase();
    t.after(() => database.drop());
    return { data: await folderFor(t), env: { MORAINE_CATALOG: database.url } };
  }

  it('cannot both be served: a fresh one is refused', async (t) => {
    const { data, env } = await place(t);
    const first = await serverFor(t, { data, env });
    await apiOf(first).createVault('v');
    const fresh = await folderFor(t);
    const second = await start(fresh, env);
    assert.equal(second.code, 1, second.errors);
    assert.match(
      second.errors,
      /There is no folder .*PostgreSQL database "moraine_test_.* belong to another data folder/,
    );
    assert.equal(await statusOfUpload(first, 10), 201);
  });

  it('cannot both be served: a copy is refused once the original has written', async (t) => {
    const { data, env } = await place(t);
    const first = await serverFor(t, { data, env });
    await apiOf(first).createVault('v');
    await eventually(
      'a commit number in the store',
      () => notedNumber(data).catch(() => undefined),
      PATIENCE_MS,
    );
    const copy = await folderFor(t);
    await cp(data, copy, { recursive: true });
    const copied = await notedNumber(copy);
    await eventually(
      'two more commit numbers in the store: one may have been pending while the copy was made',
      async () => {
        assert.equal(await statusOfUpload(first, 10), 201);
        return (await notedNumber(data)) >= copied + 2;
      },
      PATIENCE_MS,
    );
    const refused = await start(copy, env);
    assert.equal(refused.code, 1, refused.errors);
    assert.match(refused.errors, /This is a copy of the store/);
    assert.equal(await statusOfUpload(first, 10), 201);
  });

  it('cannot both be served: a copy of an idle server takes over, and the server stops writing', async (t) => {
    const { data, env } = await place(t);
    const first = await serverFor(t, { data, env });
    await apiOf(first).createVault('v');
    const archive = await apiOf(first).upload('v', 'x');
    await first.stop();
    const idle = await serverFor(t, { data, env });
    const copy = await folderFor(t);
    await cp(data, copy, { recursive: true });
    const second = await serverFor(t, { data: copy, env });
    assert.equal(await statusOfUpload(second, 10), 201);
    await assertFenced(idle, archive, /another server has taken over its catalog/);
    await idle.stop();
    const again = await start(data, env);
    assert.equal(again.code, 1, again.errors);
    assert.match(again.errors, /This is a copy of the store/);
  });

  it('remember their database: a start without the setting does not create an empty catalog', async (t) => {
    const { data, env } = await place(t);
    const first = await serverFor(t, { data, env });
    await apiOf(first).createVault('v');
    await first.stop();
    const forgotten = await start(data);
    assert.equal(forgotten.code, 2, forgotten.errors);
    assert.match(
      forgotten.errors,
      /belongs to the catalog in the PostgreSQL database "moraine_test_.*MORAINE_CATALOG/,
    );
    assert.doesNotMatch(forgotten.errors, /postgres:\/\//);
    const empty = await createDatabase();
    t.after(() => empty.drop());
    const other = await start(data, { MORAINE_CATALOG: empty.url });
    assert.equal(other.code, 2, other.errors);
    assert.match(other.errors, /belongs to the catalog in the PostgreSQL database/);
  });
});
