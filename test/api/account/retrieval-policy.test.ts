/** Data retrieval policies: returned as set, and enforced when a job starts. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertCommon, assertEmpty, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { type JobMembers, jobsOf } from '../../support/jobs.ts';
import { MIB, patternBytes } from '../../support/pattern.ts';
import type { Answer } from '../../support/request.ts';
import type { TestServer } from '../../support/server.ts';

const INVALID = 'InvalidParameterValueException';
const MISSING = 'MissingParameterValueException';
const TARGET = '/-/policies/data-retrieval';
const MAX = '9223372036854775807';

let server: TestServer;
let clock: EmulatorControls;
before(async () => {
  server = await startEmulator();
  clock = controlsOf(server);
});
after(() => server.stop());

const setText = (api: Api, body: string) => api.call('PUT', TARGET, { body });
const set = (api: Api, ...rules: unknown[]) => setText(api, JSON.stringify({ Policy: { Rules: rules } }));

/** Asserts that GetDataRetrievalPolicy answers exactly this rule. */
async function assertPolicy(api: Api, rule: string): Promise<void> {
  const answer = await api.call('GET', TARGET);
  assertCommon(answer);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers['content-type'], 'application/json');
  assert.equal(answer.text, `{"Policy":{"Rules":[${rule}]}}`);
}

describe('data retrieval policies', () => {
  it('allow everything until one is set', async () => {
    await assertPolicy(apiOf(server, 'eu-central-1'), '{"Strategy":"None"}');
  });

  it('apply to one region each, and are replaced by the next one', async () => {
    const [here, there] = [apiOf(server, 'us-west-1'), apiOf(server, 'us-west-2')];
    assertEmpty(await set(here, { Strategy: 'BytesPerHour', BytesPerHour: 10_737_418_240 }), 204);
    await assertPolicy(here, '{"BytesPerHour":10737418240,"Strategy":"BytesPerHour"}');
    await assertPolicy(there, '{"Strategy":"None"}');
    assertEmpty(await set(here, { Strategy: 'FreeTier', BytesPerHour: null }), 204);
    await assertPolicy(here, '{"Strategy":"FreeTier"}');
    assertEmpty(await set(here, { Strategy: 'None' }), 204);
    await assertPolicy(here, '{"Strategy":"None"}');
  });

  it('keep every digit of the largest rate', async () => {
    const api = apiOf(server, 'us-west-1');
    for (const rate of [MAX, '9007199254740993', '1']) {
      const rule = `{"BytesPerHour":${rate},"Strategy":"BytesPerHour"}`;
      assertEmpty(await setText(api, `{"Policy": {"Rules": [ ${rule} ]}}`), 204);
      await assertPolicy(api, rule);
    }
  });

  it('without a required member are refused with its name', async () => {
    const api = apiOf(server, 'eu-west-1');
    for (const [body, missing] of [
      ['', 'Policy'],
      ['{}', 'Policy'],
      ['{"Policy":null}', 'Policy'],
      ['{"Policy":{}}', 'Rules'],
      ['{"Policy":{"Rules":[{}]}}', 'Strategy'],
      ['{"Policy":{"Rules":[{"Strategy":null}]}}', 'Strategy'],
      ['{"Policy":{"Rules":[{"Strategy":"BytesPerHour"}]}}', 'BytesPerHour'],
    ] as const) {
      assertRefusal(await setText(api, body), 400, MISSING, `Required parameter missing: ${missing}`);
    }
    await assertPolicy(api, '{"Strategy":"None"}');
  });

  it('with a wrong number of rules, an unknown strategy or an invalid rate are refused', async () => {
    const api = apiOf(server, 'eu-west-1');
    const none = { Strategy: 'None' };
    assertRefusal(await set(api), 400, INVALID, /^Invalid Rules: /);
    assertRefusal(await set(api, none, none), 400, INVALID, /^Invalid Rules: /);
    for (const rule of ['None', 5, null]) assertRefusal(await set(api, rule), 400, INVALID, /^Invalid Rules/);
    for (const Strategy of ['none', 'Free', '', 5, {}, ['None']])
      assertRefusal(await set(api, { Strategy }), 400, INVALID, /^Invalid Strategy: /);
    for (const rate of ['0', '-1', '1.5', '9223372036854775808', '1e300', '"5"', 'true', '{"toString":1}']) {
      const body = `{"Policy":{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":${rate}}]}}`;
      assertRefusal(await setText(api, body), 400, INVALID, /^Invalid BytesPerHour: /);
    }
    for (const Strategy of ['None', 'FreeTier'])
      assertRefusal(await set(api, { Strategy, BytesPerHour: 1 }), 400, INVALID, /^Invalid BytesPerHour: /);
    for (const body of ['{"Policy":5}', '{"Policy":{"Rules":{}}}', '{"Policy":"None"}', '{"Policy":[]}'])
      assert.equal((await setText(api, body)).status, 400, body);
    assertRefusal(await setText(api, '{'), 400, 'SerializationException', /JSON/);
    await assertPolicy(api, '{"Strategy":"None"}');
  });
});

/** A separate region with an archive that tests retrieve repeatedly. */
async function place(region: string, bytes: number) {
  const api = apiOf(server, region);
  const jobs = jobsOf(api);
  await api.createVault('v');
  const archiveId = await api.upload('v', patternBytes(bytes));
  const retrieve = (members: JobMembers = {}): Promise<Answer> =>
    jobs.initiate('v', { Type: 'archive-retrieval', ArchiveId: archiveId, ...members });
  return { api, jobs, retrieve };
}

function assertDenied(answer: Answer): void {
  const text = 'InitiateJob request denied by current data retrieval policy.';
  assertRefusal(answer, 400, 'PolicyEnforcedException', text);
}

describe('BytesPerHour', () => {
  it('accepts Standard retrievals while their bytes over four hours stay within the rate', async () => {
    const { api, jobs, retrieve } = await place('ap-south-1', 2 * MIB);
    assertEmpty(await set(api, { Strategy: 'BytesPerHour', BytesPerHour: 1.5 * MIB }), 204);
    for (let i = 0; i < 3; i++) assertEmpty(await retrieve(), 202);
    const before = (await api.call('GET', '/-/vaults/v/jobs')).text;
    assertDenied(await retrieve());
    assertDenied(await retrieve({ RetrievalByteRange: '0-1048575' }));
    assert.equal((await api.call('GET', '/-/vaults/v/jobs')).text, before, 'no job was made');
    // The policy limits and counts only Standard retrievals.
    for (const Tier of ['Expedited', 'Bulk']) assertEmpty(await retrieve({ Tier }), 202);
    await jobs.startInventory('v');
    await clock.advance('239m');
    assertDenied(await retrieve());
    await clock.advance('2m');
    for (let i = 0; i < 6; i++) assertEmpty(await retrieve({ RetrievalByteRange: '0-1048575' }), 202);
    assertDenied(await retrieve({ RetrievalByteRange: '0-1048575' }));
  });

  it('counts over all vaults of one region', async () => {
    const { api, jobs, retrieve } = await place('ap-east-1', MIB);
    assertEmpty(await set(api, { Strategy: 'BytesPerHour', BytesPerHour: MIB / 2 }), 204);
    await api.createVault('w');
    const other = await api.upload('w', patternBytes(MIB));
    assertEmpty(await retrieve(), 202);
    await jobs.startRetrieval('w', other);
    assertDenied(await retrieve());
    assertEmpty(await (await place('ap-east-2', MIB)).retrieve(), 202);
  });

  it('takes effect at once, and does not affect running jobs', async () => {
    const { api, retrieve } = await place('sa-east-1', MIB);
    for (let i = 0; i < 5; i++) assertEmpty(await retrieve(), 202);
    assertEmpty(await set(api, { Strategy: 'BytesPerHour', BytesPerHour: 1 }), 204);
    assertDenied(await retrieve());
    assert.equal((await api.call('GET', '/-/vaults/v/jobs?statuscode=Succeeded')).text.length > 1000, true);
    assertEmpty(await set(api, { Strategy: 'BytesPerHour', BytesPerHour: 1.5 * MIB }), 204);
    assertEmpty(await retrieve(), 202);
    assertDenied(await retrieve());
    assertEmpty(
      await setText(api, `{"Policy":{"Rules":[{"Strategy":"BytesPerHour","BytesPerHour":${MAX}}]}}`),
      204,
    );
    assertEmpty(await retrieve(), 202);
    assertEmpty(await set(api, { Strategy: 'None' }), 204);
    assertEmpty(await retrieve(), 202);
  });

  it('accepts no more than the rate when many are requested concurrently', async () => {
    const { api, retrieve } = await place('me-south-1', MIB);
    assertEmpty(await set(api, { Strategy: 'BytesPerHour', BytesPerHour: 2 * MIB }), 204);
    const answers = await Promise.all(Array.from({ length: 30 }, () => retrieve()));
    assert.equal(answers.filter(({ status }) => status === 202).length, 8);
  });
});

describe('FreeTier', () => {
  it('accepts a thirtieth of 10 GiB per UTC day', async () => {
    const { api, retrieve } = await place('ca-central-1', 6.5 * MIB);
    assertEmpty(await set(api, { Strategy: 'FreeTier' }), 204);
    const { now } = await clock.state();
    const tomorrow = Date.parse(now) - (Date.parse(now) % 86_400_000) + 86_400_000;
    await clock.advanceTo(new Date(tomorrow).toISOString());
    const fits = Math.floor((10 * 2 ** 30) / 30 / (6.5 * MIB));
    const answers = await Promise.all(Array.from({ length: fits }, () => retrieve()));
    for (const answer of answers) assertEmpty(answer, 202);
    assertDenied(await retrieve());
    for (const Tier of ['Expedited', 'Bulk']) assertEmpty(await retrieve({ Tier }), 202);
    await clock.advanceTo(new Date(tomorrow + 23 * 3_600_000).toISOString());
    assertDenied(await retrieve());
    await clock.advanceTo(new Date(tomorrow + 24 * 3_600_000).toISOString());
    assertEmpty(await retrieve(), 202);
  });
});
