/** A PostgreSQL catalog may become unreachable at any time: the server keeps running, reports it, and recovers. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import pg from 'pg';
import { type Api, apiOf } from '../support/api.ts';
import { eventually } from '../support/poll.ts';
import { skipWithoutPostgres } from '../support/postgres.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import type { Answer } from '../support/request.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Long, because a busy machine starts processes and answers slowly. */
const PATIENT_MS = 120_000;

describe('a server that loses its database', { skip: skipWithoutPostgres() }, () => {
  let database: PostgresServer;
  let server: TestServer;
  let api: Api;
  let names = 0;
  before(async () => {
    database = startPostgres();
    const flags = ['--catalog', database.url, '--catalog-timeout', '2s', '--workers', '2'];
    server = await startServer({ flags: [...flags, '--log-level', 'error'] });
    api = apiOf(server);
  });
  after(async () => {
    await server?.stop();
    database?.remove();
  });

  const create = (): Promise<Answer> => api.call('PUT', `/-/vaults/v${++names}`);
  const health = async () => {
    const response = await fetch(`${server.url}/_moraine/health`);
    return { status: response.status, text: await response.text() };
  };
  const isBack = () =>
    eventually(
      'the server is well, and changes something',
      async () => (await health()).status === 200 && (await create()).status === 201,
      PATIENT_MS,
    );
  const isRefusedWithReason = async () => {
    const { status, text } = await create();
    assert.equal(status, 500, text);
    const { code, type, message } = JSON.parse(text);
    assert.deepEqual([code, type], ['ServiceUnavailableException', 'Server']);
    assert.match(message, /^The catalog's database /);
  };
  const saysWhy = () =>
    eventually(
      'health names the database',
      async () => {
        const { status, text } = await health();
        return status === 503 && /catalog's database/.test(text);
      },
      PATIENT_MS,
    );
  const isAlive = () => assert.equal(server.process.exitCode, null, server.errors());

  it('keeps running when all its connections end, idle or in use', async () => {
    await isBack();
    for (let round = 0; round < 5; round++) {
      const busy = Array.from({ length: 20 }, create);
      await endConnections(database.url);
      // Each request must get an answer, successful or not.
      for (const { status } of await Promise.all(busy))
        assert.ok(status === 201 || status === 500, `${status}`);
    }
    await isBack();
    isAlive();
  });

  it('gives the reason in its answers while the database is stopped, and recovers afterwards', async () => {
    await isBack();
    database.stop();
    await isRefusedWithReason();
    await saysWhy();
    isAlive();
    database.start();
    await isBack();
    isAlive();
  });

  it('answers within its time limits while the database is frozen, and recovers afterwards', async () => {
    await isBack();
    database.standStill();
    for (let i = 0; i < 3; i++) await isRefusedWithReason();
    await saysWhy();
    database.goOn();
    await isBack();
    isAlive();
  });

  it('refuses to start without the database, with one line that gives the reason but not the password', async () => {
    const url = new URL(database.url);
    url.password = 'secret-word';
    url.port = '1';
    const starting = startServer({ flags: ['--catalog', url.href] });
    await assert.rejects(starting, (error: Error) => {
      assert.match(
        error.message,
        /exit code 1: moraine: the catalog's database 127\.0\.0\.1:1\/postgres cannot/,
      );
      assert.doesNotMatch(error.message, /secret-word/);
      return true;
    });
  });
});

/** Ends all connections except the one it uses. */
async function endConnections(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where pid <> pg_backend_pid() and backend_type = 'client backend'`,
  );
  await client.end();
}
