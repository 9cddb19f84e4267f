/** After a failed flush, every change is refused, and every archive can still be read, InitiateJob included. */
import assert from 'node:assert/strict';
import { readFile, rm } from 'node:fs/promises';
import { describe, it, type TestContext } from 'node:test';
import { serve } from '../../src/app/serve.ts';
import { readConfig } from '../../src/config/read.ts';
import { type Api, apiOf } from '../support/api.ts';
import { failFiles } from '../support/failing-disk.ts';
import { jobsOf } from '../support/jobs.ts';
import { patternBytes } from '../support/pattern.ts';
import { createDatabase, skipWithoutPostgres } from '../support/postgres.ts';
import { hashHeaders } from '../support/request.ts';
import { temporaryFolder } from '../support/server.ts';

/** A server in this process, so that a test can make its files fail. */
async function serverHere(t: TestContext, catalogUrl: string | undefined): Promise<Api> {
  const data = await temporaryFolder();
  const running = await serve(
    readConfig({
      data,
      listen: '127.0.0.1:0',
      workers: '1',
      'log-level': 'silent',
      ...(catalogUrl === undefined ? {} : { catalog: catalogUrl }),
    }),
  );
  t.after(async () => {
    await running.stop();
    await rm(data, { recursive: true, force: true });
  });
  const { accountId, accessKeyId, credentialsFile = '' } = running.root;
  const secret = /^aws_secret_access_key = (.*)$/m.exec(await readFile(credentialsFile, 'utf8'))?.[1];
  return apiOf({ url: running.url, accountId, accessKeyId, secretAccessKey: secret ?? '' });
}

async function readsGoOn(t: TestContext, catalogUrl: string | undefined): Promise<void> {
  const api = await serverHere(t, catalogUrl);
  const jobs = jobsOf(api);
  await api.createVault('v');
  const kept = patternBytes(2000);
  const id = await api.upload('v', kept);
  const failing = await failFiles(t, 'datasync');
  // The journal's flush fails, so the vault may exist, but its creation is not acknowledged.
  assert.equal((await api.call('PUT', '/-/vaults/w')).status, 500);
  failing.stop();
  const more = patternBytes(10);
  const changes = [
    api.call('PUT', '/-/vaults/x'),
    api.call('DELETE', `/-/vaults/v/archives/${id}`),
    api.call('POST', '/-/vaults/v/archives', { headers: hashHeaders(more), body: more }),
  ];
  for (const { status, text } of await Promise.all(changes)) {
    assert.equal(status, 500, text);
    assert.equal(JSON.parse(text).code, 'ServiceUnavailableException');
    assert.match(JSON.parse(text).message, /takes no more writes: a flush failed: EIO: this disk fails/);
  }
  const health = await fetch(`${api.url}/_moraine/health`);
  assert.equal(health.status, 503);
  assert.match(await health.text(), /a flush failed/);
  const job = await jobs.startRetrieval('v', id);
  await jobs.untilDone('v', job);
  const { status, bytes } = await jobs.output('v', job);
  assert.equal(status, 200);
  assert.ok(bytes.equals(kept));
}

describe('after a failed flush', () => {
  it('archives are readable, and changes are refused with the reason: SQLite', (t) =>
    readsGoOn(t, undefined));

  it('archives are readable, and changes are refused with the reason: PostgreSQL', {
    skip: skipWithoutPostgres(),
  }, async (t) => {
    const { url, drop } = await createDatabase();
    try {
      await t.test('with it', (one) => readsGoOn(one, url));
    } finally {
      await drop();
    }
  });
});
