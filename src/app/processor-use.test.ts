import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProcessorUse } from './processor-use.ts';

describe('the use of the processors', () => {
  it('is that of all of them since the last call, and stays while nothing is known', () => {
    let times = [
      { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 },
      { user: 0, nice: 0, sys: 0, idle: 0, irq: 0 },
    ];
    const use = new ProcessorUse(() => times.map((one) => ({ times: one })));
    const isBusyAfter = (busy: readonly number[], idle: readonly number[]) => {
      times = times.map((one, i) => ({
        ...one,
        user: one.user + (busy[i] ?? 0) / 2,
        sys: one.sys + (busy[i] ?? 0) / 2,
        idle: one.idle + (idle[i] ?? 0),
      }));
      return use.isBusy();
    };
    assert.equal(isBusyAfter([0, 0], [0, 0]), false);
    assert.equal(isBusyAfter([100, 0], [0, 90]), true);
    assert.equal(isBusyAfter([0, 0], [0, 0]), true);
    assert.equal(isBusyAfter([100, 0], [0, 110]), false);
  });

  it('is read from this machine', () => {
    assert.equal(typeof new ProcessorUse().isBusy(), 'boolean');
  });
});
