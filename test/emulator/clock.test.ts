/** The emulator's clock, set to an instant or back: past events stay, and future events wait for their time. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { treeHash } from '../../src/treehash/index.ts';
import { type Api, apiOf } from '../support/api.ts';
import { controlsOf, type EmulatorControls, startEmulator } from '../support/emulator.ts';
import { type Jobs, jobsOf } from '../support/jobs.ts';
import { denyDelete, locksOf } from '../support/locks.ts';
import { MIB, patternBytes } from '../support/pattern.ts';
import { type TestServer, temporaryFolder } from '../support/server.ts';

const HOUR_MS = 3_600_000;
const FLAGS = ['--job-times', 'standard=4h'];

let server: TestServer;
let api: Api;
let jobs: Jobs;
let clock: EmulatorControls;
before(async () => {
  server = await startEmulator({ flags: FLAGS });
  api = apiOf(server);
  jobs = jobsOf(api);
  clock = controlsOf(server);
  await api.createVault('v');
});
after(() => server.stop());

/** Asserts that the emulator shows this time plus the real time since. */
function assertAbout(now: string, wanted: number, begunMs: number): void {
  const late = Date.parse(now) - wanted;
  assert.ok(late >= 0 && late <= Date.now() - begunMs + 1, `${now} is ${late} ms later than wanted`);
}

describe('the clock', () => {
  it('can be set to a later or earlier instant, and goes on from there', async () => {
    for (const instant of [
      '2030-01-05T12:00:00Z',
      '2012-06-01T00:00:00.500Z',
      '1970-01-02T01:00+01:00',
      '2027-02-28',
      '9998-12-31T23:59Z',
    ]) {
      const begunMs = Date.now();
      assertAbout((await clock.set(instant)).now, Date.parse(instant), begunMs);
    }
    const begunMs = Date.now();
    assertAbout((await clock.set('real')).now, begunMs, begunMs);
  });

  it('can be set back by a duration', async () => {
    await clock.set('2030-01-05T12:00:00Z');
    const begunMs = Date.now();
    await clock.set('2030-01-05T12:00:00Z');
    assertAbout((await clock.turnBack('7d')).now, Date.parse('2029-12-29T12:00:00Z'), begunMs);
  });

  it('provides the dates of new vaults and archives', async () => {
    await clock.set('2019-03-04T05:06:07Z');
    await api.createVault('dated');
    const { CreationDate } = (await api.call('GET', '/-/vaults/dated')).json();
    assert.match(String(CreationDate), /^2019-03-04T0\d:/);
  });

  it('undoes nothing when set back: finished jobs keep their later dates', async () => {
    await clock.set('2030-01-01T00:00:00Z');
    const archive = await api.upload('v', 'x');
    const done = await jobs.startRetrieval('v', archive);
    await clock.advance('5h');
    const { CompletionDate } = await jobs.describe('v', done);
    await clock.set('2029-01-01T00:00:00Z');
    assert.equal((await jobs.output('v', done)).bytes.toString(), 'x');
    assert.equal((await jobs.describe('v', done))['CompletionDate'], CompletionDate);
  });

  it('makes pending events wait longer when set back', async () => {
    await clock.set('2030-02-01T00:00:00Z');
    const id = await jobs.startRetrieval('v', await api.upload('v', 'waits'));
    await clock.turnBack('48h');
    await clock.advance('51h');
    assert.equal((await jobs.output('v', id)).status, 400);
    await clock.advance('1h');
    assert.equal((await jobs.output('v', id)).bytes.toString(), 'waits');
  });

  it('completes all due work when set forward', async () => {
    const begun = Date.parse((await clock.state()).now);
    const id = await jobs.startRetrieval('v', await api.upload('v', 'due'));
    await clock.set(new Date(begun + 5 * HOUR_MS).toISOString());
    assert.equal((await jobs.output('v', id)).bytes.toString(), 'due');
  });

  it('keeps the latest bytes of a part that is replaced after the clock was set back', async () => {
    const [first, second] = [patternBytes(MIB), patternBytes(MIB).reverse()];
    const upload = await api.initiate('v', MIB);
    await api.putPart('v', upload, 0, first);
    await clock.turnBack('30d');
    await api.putPart('v', upload, 0, second);
    const { status, headers } = await api.complete('v', upload, MIB, treeHash(second));
    assert.equal(status, 201);
    const job = await jobs.startRetrieval('v', headers['x-amz-archive-id'] ?? '');
    await clock.advance('5h');
    assert.deepEqual((await jobs.output('v', job)).bytes, second);
  });

  it('makes locked archives younger when set back, so that the lock denies their deletion again', async () => {
    await clock.set('2031-01-01T00:00:00Z');
    const locks = locksOf(api);
    await locks.lockedVault('locked', denyDelete({ NumericLessThan: { 'glacier:ArchiveAgeInDays': '30' } }));
    const archive = await api.upload('locked', 'x');
    for (const instant of ['2030-12-01T00:00:00Z', '2031-01-20T00:00:00Z']) {
      await clock.set(instant);
      assert.equal((await locks.remove('locked', archive)).status, 403, instant);
    }
    await clock.set('2031-02-01T00:00:00Z');
    assert.equal((await locks.remove('locked', archive)).status, 204);
  });

  it('serializes concurrent changes', async () => {
    await clock.set('2032-01-01T00:00:00Z');
    await Promise.all([clock.turnBack('5h'), clock.advance('5h'), clock.set('2031-06-01'), clock.state()]);
    const begunMs = Date.now();
    await clock.set('2032-01-01T00:00:00Z');
    assertAbout((await clock.state()).now, Date.parse('2032-01-01T00:00:00Z'), begunMs);
  });

  it('does not affect signatures, which are checked by real time', async () => {
    await clock.set('2001-01-01');
    assert.equal((await api.call('GET', '/-/vaults')).status, 200);
    await clock.set('real');
  });
});

describe('a clock that was set back', () => {
  it('keeps its time after a restart', async () => {
    const data = await temporaryFolder();
    const first = await startEmulator({ data, flags: FLAGS });
    await apiOf(first).createVault('v');
    const begunMs = Date.now();
    await controlsOf(first).set('2001-02-03T00:00:00Z');
    await first.kill();
    const second = await startEmulator({ data, flags: FLAGS });
    assertAbout((await controlsOf(second).state()).now, Date.parse('2001-02-03T00:00:00Z'), begunMs);
    assert.equal((await apiOf(second).call('GET', '/-/vaults/v')).status, 200);
    assert.equal(await second.stop(), 0);
    await rm(data, { recursive: true, force: true });
  });
});
