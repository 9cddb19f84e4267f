/** Trusted time kept in a store, and servers with a wrong clock. */
import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { serve } from '../../../src/app/serve.ts';
import { confirmTrustedTime, TrustedClock } from '../../../src/app/trusted-clock.ts';
import { readConfig } from '../../../src/config/read.ts';
import { ClockWentBack } from '../../../src/domain/trusted-time.ts';
import { type Api, apiOf } from '../../support/api.ts';
import { runMoraine } from '../../support/command.ts';
import { HARMLESS_LOCK } from '../../support/every-operation.ts';
import { locksOf, YEAR_LOCK } from '../../support/locks.ts';
import { MemoryStore } from '../../support/memory-store.ts';
import { startServer, temporaryFolder } from '../../support/server.ts';

const T = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const DAY = 86_400_000;

/** Clocks that a test turns. */
class TurnedClocks {
  wallMs: number;
  steadyMs = 5000;

  constructor(wallMs = T) {
    this.wallMs = wallMs;
  }

  read = () => ({ wallMs: this.wallMs, steadyMs: this.steadyMs });

  pass(ms: number): void {
    this.wallMs += ms;
    this.steadyMs += ms;
  }
}

describe('the lock clock', () => {
  const open = (blobs: MemoryStore, clocks: TurnedClocks, keeps = true): Promise<TrustedClock> =>
    TrustedClock.open({ blobs, read: clocks.read, maxStopLeapMs: 366 * DAY, keeps });

  it('keeps the time in the store, and continues from there after a restart', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    const clock = await open(blobs, clocks);
    clocks.pass(DAY);
    await clock.keep();
    assert.equal((await open(blobs, new TurnedClocks(T + DAY - 4 * MINUTE))).nowMs(), T + DAY);
    await assert.rejects(open(blobs, new TurnedClocks(T + DAY - 6 * MINUTE)), ClockWentBack);
  });

  it('does not write in serving processes, which only read the time', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    const clock = await open(blobs, clocks, false);
    clocks.pass(DAY);
    await clock.keep();
    assert.equal(await blobs.note('time-seen'), undefined);
  });

  it('ignores a leap forward in every process until it is confirmed', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    const [keeper, other] = [await open(blobs, clocks), await open(blobs, clocks, false)];
    clocks.wallMs += 400 * DAY;
    clocks.pass(MINUTE);
    for (const clock of [keeper, other]) {
      assert.equal(clock.nowMs(), T + MINUTE);
      assert.ok(clock.leaped);
      await clock.keep();
    }
    await confirmTrustedTime(blobs, clocks.wallMs);
    clocks.pass(MINUTE);
    for (const clock of [keeper, other]) {
      await clock.keep();
      assert.equal(clock.nowMs(), T + 400 * DAY + 2 * MINUTE);
      assert.ok(!clock.leaped);
    }
  });

  it('reports a leap once', async (t) => {
    const [blobs, clocks, onLeap] = [new MemoryStore(), new TurnedClocks(), t.mock.fn()];
    const options = { blobs, read: clocks.read, maxStopLeapMs: DAY, keeps: true, onLeap };
    const clock = await TrustedClock.open(options);
    clocks.pass(DAY);
    await clock.keep();
    assert.equal(onLeap.mock.callCount(), 0);
    clocks.wallMs += DAY;
    await clock.keep();
    await clock.keep();
    assert.equal(onLeap.mock.callCount(), 1);
  });

  it('remembers an unconfirmed leap after a restart', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    const clock = await open(blobs, clocks);
    clocks.wallMs += DAY;
    await clock.keep();
    const again = await open(blobs, clocks);
    assert.ok(again.leaped);
    assert.equal(again.nowMs(), T);
  });

  it('takes a confirmation that was given while no server ran, and no earlier one', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    const clock = await open(blobs, clocks);
    await confirmTrustedTime(blobs, clocks.wallMs);
    await clock.keep();
    clocks.pass(MINUTE);
    clocks.wallMs += 6 * MINUTE;
    await clock.keep();
    assert.ok((await open(blobs, clocks)).leaped, 'it was given before the leap');
    await confirmTrustedTime(blobs, clocks.wallMs);
    clocks.pass(9 * MINUTE);
    const again = await open(blobs, clocks);
    assert.deepEqual([again.leaped, again.nowMs()], [false, clocks.wallMs]);
  });

  it('ignores a repeated confirmation, an earlier one, and one of another time', async () => {
    const [blobs, clocks] = [new MemoryStore(), new TurnedClocks()];
    await confirmTrustedTime(blobs, T + DAY);
    const clock = await open(blobs, clocks);
    clocks.wallMs += DAY;
    await clock.keep();
    assert.equal(clock.nowMs(), T);
    await confirmTrustedTime(blobs, T);
    await clock.keep();
    assert.equal(clock.nowMs(), T);
    await confirmTrustedTime(blobs, T + DAY + 1);
    await clock.keep();
    assert.equal(clock.nowMs(), T + DAY);
    clocks.wallMs += 10 * DAY;
    await clock.keep();
    assert.equal(clock.nowMs(), T + DAY);
  });
});

async function folderFor(t: TestContext): Promise<string> {
  const data = await temporaryFolder();
  t.after(() => rm(data, { recursive: true, force: true }));
  return data;
}

async function setSeen(data: string, trustedMs: number): Promise<void> {
  await writeFile(join(data, 'store', 'notes', 'time-seen'), JSON.stringify({ trustedMs, leaped: false }));
}

describe('a server whose clock went back', () => {
  it('refuses to start: exit code 3 and one line with the reason', async (t) => {
    const data = await folderFor(t);
    await (await startServer({ data })).stop();
    await setSeen(data, Date.now() + 60 * MINUTE);
    const args = ['serve', '--data', data, '--listen', '127.0.0.1:0', '--workers', '1'];
    const { code, errors } = await runMoraine(args);
    assert.equal(code, 3, errors);
    assert.match(errors, /^moraine: the clock says .* was seen before: set the clock right/m);
    // Small errors of the clock are normal.
    await setSeen(data, Date.now() + 3 * MINUTE);
    assert.equal(await (await startServer({ data })).stop(), 0);
  });
});

describe('a server that was stopped for a long time', () => {
  it('logs the gap, and does not count it towards the age of locked archives', async (t) => {
    const data = await folderFor(t);
    const first = await startServer({ data });
    const locks = locksOf(apiOf(first));
    await locks.lockedVault('v', YEAR_LOCK);
    const archive = await apiOf(first).upload('v', 'x');
    await first.stop();
    await setSeen(data, Date.now() - 10 * DAY);
    const second = await startServer({ data, flags: ['--max-stop-leap', '9d'] });
    assert.match(second.errors(), /"level":50.*the clock leaped forward.*moraine lock confirm-time/);
    assert.equal((await locksOf(apiOf(second)).remove('v', archive)).status, 403);
    await second.stop();
    assert.match(await readFile(join(data, 'store', 'notes', 'time-seen'), 'utf8'), /"leaped":true/);
  });
});

/** A server in this process, whose clocks the test sets; requests are still signed by real time. */
async function serveWith(t: TestContext, clocks: TurnedClocks): Promise<Api> {
  const data = await temporaryFolder();
  const config = readConfig({ data, listen: '127.0.0.1:0', workers: '1', 'log-level': 'silent' });
  const { url, root, stop } = await serve(config, clocks.read);
  // In this order, because a running server still writes into its folder.
  t.after(async () => {
    await stop();
    await rm(data, { recursive: true, force: true });
  });
  const text = await readFile(root.credentialsFile ?? '', 'utf8');
  const secretAccessKey = /^aws_secret_access_key = (.*)$/m.exec(text)?.[1] ?? '';
  return apiOf({ url, ...root, secretAccessKey });
}

describe('while a server runs', () => {
  it('a clock that goes back blocks deletions in locked vaults, and only those, with a 500 that gives the reason', async (t) => {
    const clocks = new TurnedClocks(Date.now());
    const api = await serveWith(t, clocks);
    const locks = locksOf(api);
    await locks.lockedVault('locked', HARMLESS_LOCK);
    await api.createVault('free');
    const [locked, free] = [await api.upload('locked', 'x'), await api.upload('free', 'x')];
    clocks.wallMs -= 6 * MINUTE;
    const answer = await locks.remove('locked', locked);
    assert.equal(answer.status, 500);
    assert.equal(
      answer.text,
      '{"code":"ServiceUnavailableException","message":"The server\'s clock went back: nothing can be deleted from a locked vault until it is right again.","type":"Server"}',
    );
    assert.equal((await locks.remove('free', free)).status, 204);
    clocks.wallMs += 6 * MINUTE;
    assert.equal((await locks.remove('locked', locked)).status, 204);
  });

  it('a clock that leaps forward does not age locked archives; small pushes add little', async (t) => {
    const clocks = new TurnedClocks(Date.now());
    const api = await serveWith(t, clocks);
    const locks = locksOf(api);
    await locks.lockedVault('v', YEAR_LOCK);
    const archive = await api.upload('v', 'x');
    for (let i = 0; i < 50; i++) {
      clocks.wallMs += 4 * MINUTE;
      assert.equal((await locks.remove('v', archive)).status, 403);
    }
    clocks.wallMs += 400 * DAY;
    assert.equal((await locks.remove('v', archive)).status, 403);
    // True time still counts.
    clocks.pass(366 * DAY);
    assert.equal((await locks.remove('v', archive)).status, 204);
  });

  it('an archive stored while the clock was wrong has its true age once the clock is right', async (t) => {
    const clocks = new TurnedClocks(Date.now());
    const api = await serveWith(t, clocks);
    const locks = locksOf(api);
    await locks.lockedVault('v', YEAR_LOCK);
    clocks.wallMs -= 400 * DAY;
    clocks.pass(10 * DAY);
    const archive = await api.upload('v', 'x');
    clocks.wallMs += 400 * DAY;
    clocks.pass(364 * DAY);
    assert.equal((await locks.remove('v', archive)).status, 403);
    clocks.pass(2 * DAY);
    assert.equal((await locks.remove('v', archive)).status, 204);
  });
});
