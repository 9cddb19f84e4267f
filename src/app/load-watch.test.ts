import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type LoadReading, LoadWatch, quietWatch } from './load-watch.ts';

function setUp() {
  let reading: LoadReading = { steadyMs: 0, loopMs: 0, processorMs: 0 };
  /** Lets time pass, with these shares of it. */
  const pass = (ms: number, { loop = 0, processor = 0 }): void => {
    const { steadyMs, loopMs, processorMs } = reading;
    reading = {
      steadyMs: steadyMs + ms,
      loopMs: loopMs + loop * ms,
      processorMs: processorMs + processor * ms,
    };
  };
  return { pass, read: () => reading };
}

describe('the load of a process', () => {
  it('is high while its event loop hardly waits, or its threads take more than a core', () => {
    for (const share of [{ loop: 0.9 }, { processor: 1.5 }]) {
      const { pass, read } = setUp();
      const load = new LoadWatch(read);
      assert.equal(load.isBusy(), false);
      pass(100, share);
      assert.equal(load.isBusy(), false);
      pass(150, share);
      assert.equal(load.isBusy(), true);
      assert.equal(load.isBusy(), false);
    }
  });

  it('is low while the event loop waits for half of the time', () => {
    const { pass, read } = setUp();
    const load = new LoadWatch(read);
    for (let i = 0; i < 10; i++) {
      pass(100, { loop: 0.5, processor: 0.5 });
      assert.equal(load.isBusy(), false);
    }
  });

  it('counts from the first request after a pause', () => {
    const { pass, read } = setUp();
    const load = new LoadWatch(read);
    pass(3_600_000, { loop: 1, processor: 2 });
    assert.equal(load.isBusy(), false);
    pass(250, { loop: 0.1 });
    assert.equal(load.isBusy(), false);
    pass(250, { loop: 1 });
    assert.equal(load.isBusy(), true);
  });
});

describe('a quiet process', () => {
  it('used less than a tenth of a core since it was last asked', () => {
    const { pass, read } = setUp();
    const isQuiet = quietWatch(read);
    pass(60_000, { processor: 0.5 });
    assert.equal(isQuiet(), false);
    pass(60_000, { processor: 0.05 });
    assert.equal(isQuiet(), true);
    pass(60_000, { processor: 0.2 });
    assert.equal(isQuiet(), false);
  });
});
