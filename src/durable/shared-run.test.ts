import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SharedRun } from './shared-run.ts';

/** A shared run whose runs end when the test says so. */
function heldRuns() {
  const begun: { resolve(): void; reject(error: Error): void }[] = [];
  const shared = new SharedRun(() => new Promise((resolve, reject) => begun.push({ resolve, reject })));
  const turns = () => new Promise(setImmediate);
  return { shared, begun, turns };
}

describe('a shared run', () => {
  it('answers each call by a run that begins after it, one run for all waiting calls', async () => {
    const { shared, begun, turns } = heldRuns();
    const first = shared.run();
    await turns();
    const later = [shared.run(), shared.run()];
    await turns();
    assert.equal(begun.length, 1);
    begun[0]?.resolve();
    await first;
    await turns();
    assert.equal(begun.length, 2);
    begun[1]?.resolve();
    await Promise.all(later);
    assert.equal(begun.length, 2);
  });

  it('continues after a failed run, which fails only its own callers', async () => {
    const { shared, begun, turns } = heldRuns();
    const first = shared.run();
    await turns();
    const second = shared.run();
    begun[0]?.reject(new Error('no'));
    await assert.rejects(first, /no/);
    await turns();
    begun[1]?.resolve();
    await second;
  });

  it('has settled only when waiting calls have too', async () => {
    const { shared, begun, turns } = heldRuns();
    const calls = [shared.run()];
    await turns();
    calls.push(shared.run());
    let isSettled = false;
    const settled = shared.settled().then(() => (isSettled = true));
    begun[0]?.resolve();
    await turns();
    assert.equal(isSettled, false);
    begun[1]?.resolve();
    await settled;
    await Promise.all(calls);
  });
});
