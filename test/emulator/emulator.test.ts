/** The emulator: its clock, its reset, faults on demand, and daily inventories. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Api, apiOf, assertEmpty, assertRefusal } from '../support/api.ts';
import { runMoraine } from '../support/command.ts';
import { digestOf } from '../support/download.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { type Jobs, jobsOf } from '../support/jobs.ts';
import { eventually } from '../support/poll.ts';
import { sendRaw } from '../support/request.ts';
import { startServer, type TestServer, temporaryFolder } from '../support/server.ts';
import { storeFiles } from '../support/store-files.ts';

const HOUR_MS = 3_600_000;
const INVALID = 'InvalidParameterValueException';

interface World {
  readonly server: TestServer;
  readonly clock: EmulatorControls;
  readonly api: Api;
  readonly jobs: Jobs;
}

async function startWorld(...flags: string[]): Promise<World> {
  const server = await startEmulator({ flags });
  const api = apiOf(server);
  return { server, clock: controlsOf(server), api, jobs: jobsOf(api) };
}

/** The hours between two dates. */
const hours = (from: unknown, to: unknown) => (Date.parse(String(to)) - Date.parse(String(from))) / HOUR_MS;

describe("the service's job times", () => {
  let world: World;
  before(async () => {
    world = await startWorld('--job-times', 'aws');
  });
  after(() => world.server.stop());

  it('allow testing 1,000 retrievals without waiting: 5 hours later all outputs are right, a day later all are gone', async (t) => {
    const { api, jobs, clock } = world;
    await api.createVault('many');
    const bodies = Array.from({ length: 1000 }, (_, i) => Buffer.from(`archive number ${i}`));
    const archives = await inLots(bodies, (body) => api.upload('many', body));
    const begun = performance.now();
    const ids = await inLots(archives, (archive) => jobs.startRetrieval('many', archive));
    assert.equal((await jobs.output('many', ids[500] as string)).status, 400);
    await clock.advance('5h');
    await inLots(ids, async (id) => {
      const { status, bytes } = await jobs.output('many', id);
      assert.equal(status, 200);
      assert.equal(digestOf(bytes), digestOf(bodies[ids.indexOf(id)] as Buffer));
    });
    await clock.advance('24h');
    await inLots(ids, async (id) => assert.equal((await jobs.output('many', id)).status, 404));
    const seconds = (performance.now() - begun) / 1000;
    t.diagnostic(`1,000 retrievals, 5 h, all outputs, 24 h, all gone: ${seconds.toFixed(1)} s of real time`);
  });

  it("spread the completion of jobs over each tier's range", async () => {
    const { api, jobs, clock } = world;
    await api.createVault('spread');
    const archive = await api.upload('spread', 'x');
    const started = { Expedited: [] as string[], Standard: [] as string[], Bulk: [] as string[] };
    for (const [Tier, ids] of Object.entries(started))
      for (let i = 0; i < 20; i++) ids.push(await jobs.startRetrieval('spread', archive, { Tier }));
    const inventories = [await jobs.startInventory('spread'), await jobs.startInventory('spread')];
    await clock.advance('13h');
    // A job may complete only at the next step of the clock.
    const step = 61 / 3600;
    for (const [ids, least, most] of [
      [started.Expedited, 1 / 60, 5 / 60],
      [started.Standard, 3, 5],
      [started.Bulk, 5, 12],
      [inventories, 3, 5],
    ] as const) {
      const times = [];
      for (const id of ids) {
        const { CreationDate, CompletionDate } = await jobs.describe('spread', id);
        times.push(hours(CreationDate, CompletionDate));
      }
      assert.ok(Math.min(...times) >= least, `${Math.min(...times)} h`);
      assert.ok(Math.max(...times) <= most + step, `${Math.max(...times)} h`);
      assert.ok(new Set(times).size > 1, 'not all the same');
    }
  });
});

/** All results in order; runs 50 at a time. */
async function inLots<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += 50)
    results.push(...(await Promise.all(items.slice(at, at + 50).map(work))));
  return results;
}

describe('the emulator', () => {
  let world: World;
  before(async () => {
    world = await startWorld('--job-times', 'standard=4h,expedited=2m,bulk=8h');
  });
  after(() => world.server.stop());

  it('sets its clock forward by a duration, and real time continues from there', async () => {
    const { clock } = world;
    const before = await clock.state();
    for (const [by, ms] of [
      ['500ms', 500],
      ['10s', 10_000],
      ['5m', 300_000],
      ['5h', 5 * HOUR_MS],
      ['7d', 7 * 24 * HOUR_MS],
      ['0s', 0],
    ] as const) {
      const begunMs = Date.now();
      const from = Date.parse((await clock.state()).now);
      const turned = Date.parse((await clock.advance(by)).now) - from;
      assert.ok(turned >= ms && turned <= ms + Date.now() - begunMs + 1, `${by}: ${turned}`);
    }
    assert.ok(Date.parse((await clock.state()).now) > Date.parse(before.now) + 7 * 24 * HOUR_MS);
  });

  it('sets its clock to the next event, and then to the one after it', async () => {
    const { api, jobs, clock } = world;
    await clock.reset();
    assert.equal((await clock.state()).nextEvent, null);
    await api.createVault('next');
    const archive = await api.upload('next', 'x');
    const late = await jobs.startRetrieval('next', archive, { Tier: 'Bulk' });
    const soon = await jobs.startRetrieval('next', archive, { Tier: 'Expedited' });
    const states = async () => [
      (await jobs.describe('next', soon))['StatusCode'],
      (await jobs.describe('next', late))['StatusCode'],
    ];
    const { now } = await clock.advance('next');
    assert.deepEqual(await states(), ['Succeeded', 'InProgress']);
    const end = await clock.advance('next');
    assert.deepEqual(await states(), ['Succeeded', 'Succeeded']);
    assert.ok(Math.abs(hours(now, end.now) - (8 - 2 / 60)) < 0.01);
    // After that the jobs expire, and no event is left.
    await clock.advance('next');
    assert.equal((await jobs.output('next', soon)).status, 404);
    assert.equal((await jobs.output('next', late)).status, 200);
    await clock.advance('next');
    assert.equal((await jobs.output('next', late)).status, 404);
    const last = await clock.state();
    assert.equal(last.nextEvent, null);
    const still = await clock.advance('next');
    assert.ok(Math.abs(hours(last.now, still.now)) < 0.01);
  });

  it('answers after all due work is done, inventories included', async () => {
    const { api, jobs, clock } = world;
    await api.createVault('done');
    await api.upload('done', 'x');
    for (let round = 0; round < 20; round++) {
      const id = await jobs.startInventory('done');
      await clock.advance('5h');
      const { status, bytes } = await jobs.output('done', id);
      assert.equal(status, 200, `round ${round}: ${bytes.toString()}`);
    }
  });

  it('also waits for work that was due before or already running', async () => {
    const instant = await startWorld();
    try {
      await instant.api.createVault('v');
      await instant.api.upload('v', 'x');
      for (let round = 0; round < 100; round++) {
        const id = await instant.jobs.startInventory('v');
        await instant.clock.advance('1ms');
        assert.equal((await instant.jobs.output('v', id)).status, 200, `round ${round}`);
      }
    } finally {
      await instant.server.stop();
    }
  });

  it('accepts concurrent changes of its clock', async () => {
    const { clock, api, jobs } = world;
    await api.createVault('turns');
    const archive = await api.upload('turns', 'x');
    const ids = [];
    for (let i = 0; i < 10; i++) ids.push(await jobs.startRetrieval('turns', archive));
    await Promise.all([clock.advance('5h'), clock.advance('next'), clock.advance('4h'), clock.state()]);
    for (const id of ids) assert.equal((await jobs.output('turns', id)).status, 200);
  });

  it('checks signatures by real time, whatever its clock shows', async () => {
    const { clock, api } = world;
    await clock.advance('30d');
    assert.equal((await api.call('GET', '/-/vaults')).status, 200);
    const late = { signer: { at: new Date((await clock.state()).now) } };
    assert.equal((await api.call('GET', '/-/vaults', late)).status, 403);
  });

  it('removes everything when it is reset, and continues to serve', async (t) => {
    const { api, jobs, clock, server } = world;
    await api.createVault('full');
    const ids = await inLots(Array.from({ length: 300 }), () => api.upload('full', 'x'));
    await jobs.startRetrieval('full', ids[0] as string);
    await api.initiate('full', 1_048_576);
    await api.call('PUT', '/-/policies/data-retrieval', {
      body: '{"Policy":{"Rules":[{"Strategy":"FreeTier"}]}}',
    });
    const begun = performance.now();
    const { nextEvent } = await clock.reset();
    const ms = performance.now() - begun;
    t.diagnostic(`reset of 300 archives, a job and an upload: ${ms.toFixed(0)} ms`);
    assert.equal(nextEvent, null);
    assert.equal((await api.call('GET', '/-/vaults')).text, '{"Marker":null,"VaultList":[]}');
    const policy = (await api.call('GET', '/-/policies/data-retrieval')).text;
    assert.equal(policy, '{"Policy":{"Rules":[{"Strategy":"None"}]}}');
    await eventually('an empty store', async () => (await storeFiles(server.data)).blobs.length === 0);
    await api.createVault('full');
    const again = await api.upload('full', 'again');
    const id = await jobs.startRetrieval('full', again, { Tier: 'Expedited' });
    await clock.advance('5m');
    assert.equal((await jobs.output('full', id)).bytes.toString(), 'again');
    const old = await jobs.initiate('full', { Type: 'archive-retrieval', ArchiveId: ids[0] });
    assert.equal(old.status, 202, 'an id from before the reset counts as that of a deleted archive');
  });

  it('can be reset repeatedly while requests are in progress', async () => {
    const { api, clock } = world;
    for (let round = 0; round < 10; round++) {
      await api.createVault('busy');
      const uploads = Array.from({ length: 8 }, async () => api.upload('busy', 'x').catch(() => ''));
      const inventory = jobsOf(api).initiate('busy', { Type: 'inventory-retrieval' });
      await Promise.all([...uploads, inventory, clock.reset()]);
    }
    await clock.reset();
    await api.createVault('busy');
    await api.upload('busy', 'x');
    assert.equal((await api.call('GET', '/_moraine/health')).status, 200);
  });

  it('makes an operation fail the requested number of times, with the requested error', async () => {
    const { api, clock } = world;
    await api.createVault('faulty');
    const upload = () => api.call('GET', '/-/vaults/faulty');
    for (const [code, status] of [
      ['ThrottlingException', 400],
      ['ServiceUnavailableException', 500],
      ['RequestTimeoutException', 408],
      ['AccessDeniedException', 403],
      ['ResourceNotFoundException', 404],
    ] as const) {
      const { faults } = await clock.fault('DescribeVault', code, 2);
      assert.deepEqual(faults, [{ operation: 'DescribeVault', code, times: 2 }]);
      for (let i = 0; i < 2; i++) {
        const answer = await upload();
        assert.equal(answer.status, status);
        assert.equal(answer.json()['code'], code);
      }
      assert.equal((await upload()).status, 200);
      assert.deepEqual((await clock.state()).faults, []);
    }
    await clock.fault('DescribeVault', 'ThrottlingException', 5);
    await clock.fault('ListVaults', 'ThrottlingException', 1);
    assert.equal((await clock.fault('DescribeVault', 'ThrottlingException', 0)).faults.length, 1);
    assert.equal((await upload()).status, 200);
    assert.equal((await api.call('GET', '/-/vaults')).status, 400);
  });

  it('makes uploads fail before they store anything', async () => {
    const { api, clock } = world;
    await api.createVault('uploads');
    await clock.fault('UploadArchive', 'ServiceUnavailableException', 1);
    await assert.rejects(api.upload('uploads', Buffer.alloc(3_000_000)), /ServiceUnavailable/);
    assert.equal((await api.call('GET', '/-/vaults/uploads')).json()['NumberOfArchives'], 0);
    await api.upload('uploads', Buffer.alloc(3_000_000));
  });

  it('refuses invalid control requests', async () => {
    const { clock } = world;
    const bad = async (action: string, body: unknown, message: RegExp) =>
      assertRefusal(await clock.post(action, body), 400, INVALID, message);
    for (const advance of ['5', '-5h', '5 hours', '', null, 5, {}, [], 'NEXT'])
      await bad('/clock', { advance }, /^Invalid advance: /);
    for (const by of ['5', '-5h', '', null]) await bad('/clock', { turnBack: by }, /^Invalid turnBack: /);
    await bad('/clock', { turnBack: '999999999d' }, /^Invalid turnBack: /);
    for (const set of [
      '',
      'now',
      '5h',
      '2027-13-01T00:00:00Z',
      '2027-01-05T12:00:00',
      '1969-12-31',
      '9999-01-01',
      0,
      null,
    ])
      await bad('/clock', { set }, /^Invalid set: /);
    for (const members of [{}, { advance: '5h', set: 'real' }, { advanced: '5h' }])
      await bad('/clock', members, /^Invalid clock: /);
    await bad('/clock', '{"advance":{"toString":1}}', /^Invalid advance: /);
    await bad('/clock', { advance: '999999999d' }, /^Invalid advance: /);
    const fault = { operation: 'ListVaults', code: 'ThrottlingException', times: 1 };
    await bad('/faults', { ...fault, operation: 'Nothing' }, /^Invalid operation: /);
    await bad('/faults', { ...fault, operation: {} }, /^Invalid operation: /);
    await bad('/faults', { ...fault, code: 'NoSuchException' }, /^Invalid code: /);
    for (const times of [-1, 0.5, '1', {}]) await bad('/faults', { ...fault, times }, /^Invalid times: /);
    assertRefusal(await clock.post('/clock', '{'), 400, 'SerializationException', /JSON/);
    for (const action of ['', '/clocks', '/clock/set', '/reset/now'])
      assert.equal((await clock.post(action, {})).status, 404, action);
    assert.deepEqual((await clock.state()).faults, []);
  });
});

describe('a server that is not an emulator', () => {
  it('answers control requests with a 404', async () => {
    const server = await startServer();
    try {
      for (const [method, target] of [
        ['GET', ''],
        ['POST', '/clock'],
        ['POST', '/reset'],
        ['POST', '/faults'],
      ] as const) {
        const body = method === 'POST' ? '{"advance":"5h"}' : '';
        const answer = await sendRaw(server.url, { method, target: `/_moraine/emulator${target}`, body });
        assert.equal(answer.status, 404, target);
      }
    } finally {
      await server.stop();
    }
  });
});

describe('a data folder', () => {
  it('with vaults of a server is refused by the emulator, and vice versa', async () => {
    for (const [first, second, words] of [
      [[], ['--emulator'], /was not made by an emulator/],
      [['--emulator'], [], /was made by an emulator/],
    ] as const) {
      const data = await temporaryFolder();
      const server = await startServer({ data, flags: first });
      await apiOf(server).createVault('v');
      await server.stop();
      const refused = await runMoraine(['serve', '--data', data, '--listen', '127.0.0.1:0', ...second]);
      assert.equal(refused.code, 2);
      assert.match(refused.errors, words);
      assert.equal(refused.errors.trim().split('\n').length, 1, refused.errors);
      const again = await startServer({ data, flags: first });
      assert.equal((await apiOf(again).call('GET', '/-/vaults/v')).status, 200);
      await again.stop();
      await rm(data, { recursive: true, force: true });
    }
  });

  it('without vaults can change between server and emulator', async () => {
    const data = await temporaryFolder();
    for (const flags of [[], ['--emulator'], []]) {
      const server = await startServer({ data, flags });
      assert.equal(await server.stop(), 0);
    }
    await rm(data, { recursive: true, force: true });
  });

  it('keeps the clock and past events after a restart', async () => {
    const data = await temporaryFolder();
    const flags = ['--job-times', 'standard=4h'];
    let server = await startEmulator({ data, flags });
    let api = apiOf(server);
    await api.createVault('v');
    const archive = await api.upload('v', 'x');
    const done = await jobsOf(api).startRetrieval('v', archive);
    await controlsOf(server).advance('100h');
    const begunMs = Date.now();
    const { now } = await controlsOf(server).advance('0s');
    const kept = await jobsOf(api).startRetrieval('v', archive);
    await server.kill();
    server = await startEmulator({ data, flags });
    api = apiOf(server);
    const clock = controlsOf(server);
    const restarted = Date.parse((await clock.state()).now) - Date.parse(now);
    assert.ok(restarted >= 0 && restarted <= Date.now() - begunMs + 1, `${restarted} ms`);
    assert.equal((await jobsOf(api).output('v', done)).status, 404);
    assert.equal((await jobsOf(api).output('v', kept)).status, 400);
    await clock.advance('5h');
    assert.equal((await jobsOf(api).output('v', kept)).status, 200);
    await server.stop();
    await rm(data, { recursive: true, force: true });
  });
});

describe('daily inventories', () => {
  let world: World;
  before(async () => {
    world = await startWorld('--inventory', 'daily');
  });
  after(() => world.server.stop());

  const described = async (vault: string) => {
    const { LastInventoryDate, NumberOfArchives, SizeInBytes } = (
      await world.api.call('GET', `/-/vaults/${vault}`)
    ).json();
    return { date: LastInventoryDate, archives: NumberOfArchives, bytes: SizeInBytes };
  };
  const inventory = async (vault: string) => {
    const id = await world.jobs.startInventory(vault);
    await world.clock.advance('1ms');
    await world.jobs.untilDone(vault, id);
    const document = JSON.parse((await world.jobs.output(vault, id)).bytes.toString());
    const list = document['ArchiveList'] as { ArchiveId: string }[];
    return { date: document['InventoryDate'] as string, ids: list.map(({ ArchiveId }) => ArchiveId) };
  };
  const remove = async (vault: string, id: string) =>
    assertEmpty(await world.api.call('DELETE', `/-/vaults/${vault}/archives/${id}`), 204);
  const assertNoInventory = async (vault: string) => {
    const text = `Inventory retrieval jobs for vault ${world.api.vaultArn(vault)} cannot be initiated yet, as Amazon Glacier has not yet generated an initial inventory for this vault.`;
    const answer = await world.jobs.initiate(vault, { Type: 'inventory-retrieval' });
    assertRefusal(answer, 404, 'ResourceNotFoundException', text);
  };
  const assertNotDeletable = async (vault: string) => {
    const answer = await world.api.call('DELETE', `/-/vaults/${vault}`);
    const text = `Vault not empty or recently written to: ${world.api.vaultArn(vault)}`;
    assertRefusal(answer, 400, INVALID, text);
  };

  it('do not exist at first: jobs are refused, and counts and date stay empty until the first one', async () => {
    const { api, clock } = world;
    await api.createVault('first');
    await assertNoInventory('first');
    const id = await api.upload('first', 'Hello World!');
    await assertNoInventory('first');
    assert.deepEqual(await described('first'), { date: null, archives: 0, bytes: 0 });
    await clock.advance('23h');
    await assertNoInventory('first');
    assert.deepEqual(await described('first'), { date: null, archives: 0, bytes: 0 });
    const { now } = await clock.advance('2h');
    const { date, archives, bytes } = await described('first');
    assert.deepEqual([archives, bytes], [1, 12 + 32_768]);
    assert.ok(hours(date, now) >= 0 && hours(date, now) < 2);
    const { date: shown, ids } = await inventory('first');
    assert.deepEqual(ids, [id]);
    assert.equal(shown, `${String(date).slice(0, 19)}Z`);
  });

  it('are not taken for vaults without writes, which can be deleted at any time', async () => {
    const { api, clock } = world;
    await api.createVault('unwritten');
    await clock.advance('50h');
    await assertNoInventory('unwritten');
    assert.deepEqual(await described('unwritten'), { date: null, archives: 0, bytes: 0 });
    assertEmpty(await api.call('DELETE', '/-/vaults/unwritten'), 204);
  });

  it('show the vault at the time they were taken: without later archives, with archives deleted since', async () => {
    const { api, clock } = world;
    await api.createVault('state');
    const [a, b] = [await api.upload('state', 'a'), await api.upload('state', 'b')];
    await clock.advance('25h');
    const before = await described('state');
    await remove('state', a);
    const c = await api.upload('state', 'c');
    await clock.advance('1h');
    assert.deepEqual(await described('state'), before);
    assert.deepEqual((await inventory('state')).ids, [a, b]);
    await clock.advance('24h');
    assert.deepEqual((await inventory('state')).ids, [b, c]);
    const afterwards = await described('state');
    assert.equal(afterwards.archives, 2);
    assert.notEqual(afterwards.date, before.date);
  });

  it('omit archives that were uploaded and deleted between two of them', async () => {
    const { api, clock } = world;
    await api.createVault('between');
    const a = await api.upload('between', 'a');
    await clock.advance('25h');
    await remove('between', await api.upload('between', 'b'));
    assert.deepEqual((await inventory('between')).ids, [a]);
    await clock.advance('25h');
    assert.deepEqual((await inventory('between')).ids, [a]);
  });

  it('stay unchanged while the vault has no writes', async () => {
    const { api, clock } = world;
    await api.createVault('unchanged');
    await api.upload('unchanged', 'a');
    await clock.advance('25h');
    const { date } = await described('unchanged');
    await clock.advance('100h');
    assert.equal((await described('unchanged')).date, date);
    await api.upload('unchanged', 'b');
    await clock.advance('1h');
    assert.notEqual((await described('unchanged')).date, date, 'a day has passed since the last one');
  });

  it('allow deleting a vault only if the last one was empty and no write followed', async () => {
    const { api, clock } = world;
    await api.createVault('emptied');
    const id = await api.upload('emptied', 'a');
    await assertNotDeletable('emptied');
    await remove('emptied', id);
    await assertNotDeletable('emptied');
    await clock.advance('25h');
    assert.deepEqual((await inventory('emptied')).ids, []);
    await remove('emptied', await api.upload('emptied', 'b'));
    await assertNotDeletable('emptied');
    await clock.advance('25h');
    assertEmpty(await api.call('DELETE', '/-/vaults/emptied'), 204);
    await api.createVault('emptied');
    await assertNoInventory('emptied');
    assert.deepEqual(await described('emptied'), { date: null, archives: 0, bytes: 0 });
  });

  it('prevent deleting a vault with archives newer than an empty inventory', async () => {
    const { api, clock } = world;
    await api.createVault('refilled');
    await remove('refilled', await api.upload('refilled', 'a'));
    await clock.advance('25h');
    await api.upload('refilled', 'b');
    await assertNotDeletable('refilled');
    await clock.advance('25h');
    await assertNotDeletable('refilled');
  });
});

describe('inventories at a set interval', () => {
  it('are taken at that interval', async () => {
    const { api, clock, jobs, server } = await startWorld('--inventory', '6h');
    await api.createVault('v');
    await api.upload('v', 'a');
    await clock.advance('5h');
    assert.equal((await jobs.initiate('v', { Type: 'inventory-retrieval' })).status, 404);
    await clock.advance('2h');
    assert.equal((await jobs.initiate('v', { Type: 'inventory-retrieval' })).status, 202);
    await server.stop();
  });
});
