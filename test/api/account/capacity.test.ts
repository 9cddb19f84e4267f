/** Provisioned capacity: its dates, its limit, and its effect on scarce Expedited retrievals. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertJson, assertRefusal } from '../../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../../support/emulator.ts';
import { jobsOf } from '../../support/jobs.ts';
import type { Answer } from '../../support/request.ts';
import type { TestServer } from '../../support/server.ts';

const TARGET = '/-/provisioned-capacity';

interface Unit {
  readonly CapacityId: string;
  readonly ExpirationDate: string;
  readonly StartDate: string;
}

let server: TestServer;
let clock: EmulatorControls;
before(async () => {
  server = await startEmulator({ flags: ['--expedited-capacity', '2'] });
  clock = controlsOf(server);
});
after(() => server.stop());

async function purchase(api: Api): Promise<string> {
  const answer = await api.call('POST', TARGET);
  assertEmpty(answer, 201);
  assert.equal(answer.headers['location'], undefined);
  const id = answer.headers['x-amz-capacity-id'] ?? '';
  assert.match(id, /^[A-Za-z0-9_-]{24}$/);
  return id;
}

async function list(api: Api): Promise<Unit[]> {
  const { ProvisionedCapacityList, ...rest } = assertJson(await api.call('GET', TARGET));
  assert.deepEqual(rest, {});
  return ProvisionedCapacityList as Unit[];
}

function assertFull(answer: Answer): void {
  assertRefusal(answer, 400, 'LimitExceededException', /2/);
}

describe('provisioned capacity', () => {
  it('is an empty list at first', async () => {
    const answer = await apiOf(server, 'af-south-1').call('GET', TARGET);
    assertJson(answer);
    assert.equal(answer.text, '{"ProvisionedCapacityList":[]}');
  });

  it('lasts a calendar month to the second, shortened to the last day where the month has fewer', async () => {
    // In order of time, because the clock only moves forward; in a region each, which may have two units at most.
    const dates = [
      ['2026-12-13T08:00:00', '2027-01-13'],
      ['2026-12-31T23:30:00', '2027-01-31'],
      ['2027-01-28T14:26:33', '2027-02-28'],
      ['2027-01-29T14:26:33', '2027-02-28'],
      ['2027-01-30T14:26:33', '2027-02-28'],
      ['2027-01-31T14:26:33', '2027-02-28'],
      ['2027-02-28T14:26:33', '2027-03-28'],
      ['2027-08-31T10:00:00', '2027-09-30'],
      ['2028-01-31T10:00:00', '2028-02-29'],
    ] as const;
    for (const [i, [date, expires]] of dates.entries()) {
      await clock.advanceTo(`${date}Z`);
      const api = apiOf(server, `month-${i}`);
      const id = await purchase(api);
      const answer = await api.call('GET', TARGET);
      const [unit] = await list(api);
      const { StartDate = '', ExpirationDate = '' } = unit ?? {};
      const keys = { CapacityId: id, ExpirationDate, StartDate };
      assert.equal(answer.text, JSON.stringify({ ProvisionedCapacityList: [keys] }));
      assert.match(StartDate, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(StartDate.slice(0, 10), date.slice(0, 10));
      assert.equal(ExpirationDate, `${expires}T${StartDate.slice(11, 19)}.000Z`);
    }
  });

  it('is limited to two units in force; expired units stay listed for a while and do not count', async () => {
    const api = apiOf(server, 'eu-north-1');
    const first = await purchase(api);
    await clock.advance('1d');
    const second = await purchase(api);
    assertFull(await api.call('POST', TARGET));
    const idsOf = async () => (await list(api)).map(({ CapacityId }) => CapacityId);
    assert.deepEqual(await idsOf(), [second, first], 'newest first');
    const [, unit] = await list(api);
    await clock.advanceTo(unit?.ExpirationDate ?? '');
    const third = await purchase(api);
    assertFull(await api.call('POST', TARGET));
    assert.deepEqual(await idsOf(), [third, second, first]);
    await clock.advance('32d');
    assert.ok(!(await idsOf()).includes(first));
  });

  it('stays at two units when many are bought concurrently', async () => {
    const api = apiOf(server, 'eu-south-1');
    const answers = await Promise.all(Array.from({ length: 10 }, () => api.call('POST', TARGET)));
    assert.equal(answers.filter(({ status }) => status === 201).length, 2);
    assert.equal((await list(api)).length, 2);
  });
});

describe('scarce Expedited retrievals', () => {
  async function place(region: string) {
    const api = apiOf(server, region);
    await api.createVault('v');
    const ArchiveId = await api.upload('v', 'x');
    const retrieve = (Tier: string) =>
      jobsOf(api).initiate('v', { Type: 'archive-retrieval', ArchiveId, Tier });
    return { api, retrieve };
  }
  const assertScarce = (answer: Answer) =>
    assertRefusal(answer, 400, 'InsufficientCapacityException', /capacity/);

  it('are refused beyond the five-minute limit, while other tiers are accepted', async () => {
    const { retrieve } = await place('eu-west-2');
    assertEmpty(await retrieve('Expedited'), 202);
    await clock.advance('2m');
    assertEmpty(await retrieve('Expedited'), 202);
    assertScarce(await retrieve('Expedited'));
    for (const tier of ['Standard', 'Bulk']) assertEmpty(await retrieve(tier), 202);
    await clock.advance('3m');
    assertEmpty(await retrieve('Expedited'), 202);
    assertScarce(await retrieve('Expedited'));
  });

  it('are always accepted while a unit is in force', async () => {
    const { api, retrieve } = await place('eu-west-3');
    for (let i = 0; i < 2; i++) assertEmpty(await retrieve('Expedited'), 202);
    assertScarce(await retrieve('Expedited'));
    await purchase(api);
    for (let i = 0; i < 5; i++) assertEmpty(await retrieve('Expedited'), 202);
    const [unit] = await list(api);
    await clock.advanceTo(new Date(Date.parse(unit?.ExpirationDate ?? '') - 60_000).toISOString());
    for (let i = 0; i < 5; i++) assertEmpty(await retrieve('Expedited'), 202);
    await clock.advance('61s');
    assertScarce(await retrieve('Expedited'));
  });

  it('are limited exactly when many are requested concurrently', async () => {
    const { retrieve } = await place('ap-northeast-1');
    const answers = await Promise.all(Array.from({ length: 12 }, () => retrieve('Expedited')));
    assert.equal(answers.filter(({ status }) => status === 202).length, 2);
  });
});
