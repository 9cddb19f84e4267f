/** ListJobs: order, pages, filters and expired jobs. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { controlsOf, startEmulator } from '../../support/emulator.ts';
import { type Jobs, jobsOf } from '../../support/jobs.ts';
import type { TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';
const COUNT = 75;

let server: TestServer;
let api: Api;
let jobs: Jobs;
/** Jobs in order of their start: of every three, one failed, one succeeded and one is in progress. */
const ids: string[] = [];
before(async () => {
  server = await startEmulator({ flags: ['--job-times', 'expedited=0ms,standard=0ms,bulk=12h'] });
  api = apiOf(server);
  jobs = jobsOf(api);
  for (const vault of ['v', 'empty']) await api.createVault(vault);
  const there = await api.upload('v', 'there');
  const gone = await api.upload('v', 'gone');
  assertEmpty(await api.call('DELETE', `/-/vaults/v/archives/${gone}`), 204);
  for (let i = 0; i < COUNT; i++) {
    const of = [
      { archive: gone, Tier: 'Standard' },
      { archive: there, Tier: 'Expedited' },
      { archive: there, Tier: 'Bulk' },
    ][i % 3] as { archive: string; Tier: string };
    ids.push(await jobs.startRetrieval('v', of.archive, { Tier: of.Tier }));
  }
});
after(() => server.stop());

async function list(query: string, vault = 'v'): Promise<{ ids: string[]; marker: string | null }> {
  const answer = await api.call('GET', `/-/vaults/${vault}/jobs${query}`);
  const { JobList, Marker, ...rest } = assertJson(answer);
  assert.deepEqual(rest, {});
  assert.ok(answer.text.startsWith('{"JobList":['));
  const found = (JobList as Record<string, unknown>[]).map((job) => String(job['JobId']));
  return { ids: found, marker: Marker as string | null };
}

/** All rows, page by page; asserts that every page but the last is full. */
async function listAll(filter: string, limit: number): Promise<string[]> {
  const all: string[] = [];
  for (let marker: string | null = ''; marker !== null; ) {
    const page: Awaited<ReturnType<typeof list>> = await list(`?limit=${limit}&marker=${marker}${filter}`);
    if (page.marker !== null) assert.equal(page.ids.length, limit);
    all.push(...page.ids);
    marker = page.marker;
  }
  return all;
}

const newestFirst = (keep: (index: number) => boolean) => ids.filter((_, i) => keep(i)).reverse();

describe('ListJobs', () => {
  it('lists jobs newest first, 50 at a time', async () => {
    const first = await list('');
    assert.deepEqual(first.ids, newestFirst(() => true).slice(0, 50));
    const second = await list(`?marker=${first.marker}`);
    assert.deepEqual(second.ids, newestFirst(() => true).slice(50));
    assert.equal(second.marker, null);
  });

  it('reaches the end with pages of any size', async () => {
    for (const limit of [1, 7, 25, 50])
      assert.deepEqual(
        await listAll('', limit),
        newestFirst(() => true),
      );
    assert.equal((await list('?limit=1000')).ids.length, 50);
  });

  it('filters by status code, by completion, and by both', async () => {
    const failed = newestFirst((i) => i % 3 === 0);
    const succeeded = newestFirst((i) => i % 3 === 1);
    const inProgress = newestFirst((i) => i % 3 === 2);
    assert.deepEqual(await listAll('&statuscode=Failed', 10), failed);
    assert.deepEqual(await listAll('&statuscode=Succeeded', 10), succeeded);
    assert.deepEqual(await listAll('&statuscode=InProgress', 10), inProgress);
    assert.deepEqual(
      await listAll('&completed=true', 10),
      newestFirst((i) => i % 3 !== 2),
    );
    assert.deepEqual(await listAll('&completed=false', 10), inProgress);
    assert.deepEqual(await listAll('&completed=true&statuscode=Failed', 10), failed);
    assert.deepEqual(await listAll('&completed=true&statuscode=InProgress', 10), []);
    assert.deepEqual(await listAll('&completed=false&statuscode=Succeeded', 10), []);
    assert.deepEqual(
      await listAll('&completed=&statuscode=', 50),
      newestFirst(() => true),
    );
  });

  it('continues at the marker when jobs were added since', async () => {
    await api.createVault('growing');
    const archive = await api.upload('growing', 'x');
    const start = () => jobs.startRetrieval('growing', archive);
    const old = [await start(), await start(), await start()].reverse();
    const first = await list('?limit=2', 'growing');
    await start();
    const second = await list(`?limit=2&marker=${first.marker}`, 'growing');
    assert.deepEqual([...first.ids, ...second.ids], old);
  });

  it('returns an empty list for a vault without jobs', async () => {
    const answer = await api.call('GET', '/-/vaults/empty/jobs');
    assertJson(answer);
    assert.equal(answer.text, '{"JobList":[],"Marker":null}');
  });

  it('refuses invalid values, each with its text', async () => {
    const refused = async (query: string, text: string | RegExp) =>
      assertRefusal(await api.call('GET', `/-/vaults/v/jobs?${query}`), 400, INVALID, text);
    await refused('statuscode=finished', 'The job status code is not valid: finished');
    await refused('statuscode=succeeded', 'The job status code is not valid: succeeded');
    for (const completed of ['yes', 'True', '1']) await refused(`completed=${completed}`, /completed/);
    for (const limit of ['0', '-1', 'x', '1.5']) await refused(`limit=${limit}`, /limit/);
    for (const marker of ['x', 'am9iOng', ids[0]]) await refused(`marker=${marker}`, /marker/i);
    const missing = await api.call('GET', '/-/vaults/none/jobs?statuscode=finished');
    assertRefusal(missing, 404, 'ResourceNotFoundException', /^Vault not found for ARN: /);
  });

  it('omits jobs 24 hours after their completion, and keeps those in progress', async () => {
    const clock = controlsOf(server);
    await clock.advance('11h');
    assert.equal((await listAll('', 50)).length, COUNT);
    await clock.advance('13h');
    const inProgressThen = newestFirst((i) => i % 3 === 2);
    assert.deepEqual(await listAll('', 50), inProgressThen);
    assert.deepEqual(await listAll('&statuscode=Succeeded', 50), inProgressThen);
    await clock.advance('13h');
    assert.deepEqual(await listAll('', 50), []);
  });
});
