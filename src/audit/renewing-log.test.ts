import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { AuditFolder } from '../../test/support/audit-tamper.ts';
import { diskError, failFiles } from '../../test/support/failing-disk.ts';
import { listEvents } from './events.ts';
import { RenewingLog } from './renewing-log.ts';

/** A log whose chains are a, b, c…, and which may retry this many times after a failure. */
async function setUp(t: TestContext) {
  const folder = await AuditFolder.make();
  t.after(() => folder.remove());
  const state = { begun: 0, ended: [] as string[], steps: 0, refusals: 0 };
  const begun = async (chain: string): Promise<void> => {
    if (state.refusals > 0) {
      state.refusals--;
      throw new Error('the store refuses the anchor');
    }
    folder.begun.push(chain);
  };
  const log = new RenewingLog({
    begin: () => folder.open(String.fromCharCode(97 + state.begun++), undefined, begun),
    afterFailure: async () => state.steps-- > 0,
    onEnd: async ({ chain }) => void state.ended.push(chain),
  });
  const events = async (): Promise<unknown[]> => {
    const found: unknown[] = [];
    for await (const { event } of listEvents(folder.path)) found.push(event);
    return found.sort();
  };
  const faults = async () => (await folder.verify()).problems;
  return { folder, state, log, events, faults };
}

describe('an audit log that renews itself', () => {
  it('continues with a new chain after a failed write, and ends the old one', async (t) => {
    const { folder, state, log, events, faults } = await setUp(t);
    await log.append({ event: 1 });
    const error = diskError('EIO');
    const failing = await failFiles(t, 'write', 1, error);
    await assert.rejects(log.append({ event: 2 }), error);
    assert.equal(log.failure(), error);
    failing.stop();
    await log.append({ event: 3 });
    assert.equal(log.failure(), undefined);
    assert.equal(log.current.chain, 'b');
    assert.deepEqual(state.ended, ['a']);
    await log.close();
    assert.deepEqual(
      [state.ended, folder.begun],
      [
        ['a', 'b'],
        ['a', 'b'],
      ],
    );
    assert.deepEqual(await events(), [1, 3]);
    assert.deepEqual(await faults(), []);
  });

  it('writes an event once more, at once, when space was freed for it', async (t) => {
    const { state, log, events, faults } = await setUp(t);
    await log.append({ event: 1 });
    state.steps = 2;
    const failing = await failFiles(t, 'write', 2, diskError('ENOSPC'));
    await log.append({ event: 2 });
    failing.stop();
    assert.deepEqual([state.steps, log.failure()], [0, undefined]);
    await log.close();
    assert.deepEqual(await events(), [1, 2]);
    assert.deepEqual(await faults(), []);
  });

  it('continues all events that failed together in one new chain', async (t) => {
    const { state, log, events, faults } = await setUp(t);
    await log.append({ event: 0 });
    state.steps = 3;
    const failing = await failFiles(t, 'write', 1, diskError('ENOSPC'));
    await Promise.all([1, 2, 3].map((event) => log.append({ event })));
    failing.stop();
    await log.close();
    assert.equal(state.begun, 2);
    assert.deepEqual(await events(), [0, 1, 2, 3]);
    assert.deepEqual(await faults(), []);
  });

  it('retries the same chain when it could not be opened', async (t) => {
    const { state, log, events } = await setUp(t);
    state.refusals = 2;
    for (let i = 0; i < 2; i++) await assert.rejects(log.ready(), /the store refuses the anchor/);
    assert.ok(log.failure() instanceof Error);
    await log.append({ event: 1 });
    assert.deepEqual([state.begun, log.failure(), log.current.chain], [1, undefined, 'a']);
    await log.close();
    assert.deepEqual(await events(), [1]);
  });
});
