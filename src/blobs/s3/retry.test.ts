import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Timing, withRetries } from './retry.ts';

/** A clock that only sleeping moves. */
function clock(): Timing & { readonly slept: number[] } {
  let nowMs = 1000;
  const slept: number[] = [];
  return {
    slept,
    now: () => nowMs,
    async sleep(ms) {
      slept.push(ms);
      nowMs += ms;
    },
    random: () => 0.5,
  };
}

function answer(status: number, name = 'Error'): Error {
  return Object.assign(new Error(name), { name, $metadata: { httpStatusCode: status } });
}

/** Fails with these errors, one for each call, then succeeds. */
function failing(errors: readonly Error[]): { call(): Promise<string>; calls(): number } {
  let calls = 0;
  return {
    async call() {
      const error = errors[calls++];
      if (error) throw error;
      return 'done';
    },
    calls: () => calls,
  };
}

describe('retries', () => {
  it('repeat calls that find the engine busy, failing or away, with growing pauses', async () => {
    const timing = clock();
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    const errors = [
      answer(503, 'SlowDown'),
      answer(500),
      reset,
      answer(409, 'OperationAborted'),
      answer(429),
    ];
    const { call, calls } = failing(errors);
    assert.equal(await withRetries(timing, 10_000, call), 'done');
    assert.equal(calls(), 6);
    assert.deepEqual(timing.slept, [37.5, 75, 150, 300, 600]);
  });

  it('end before the deadline, with the last error', async () => {
    const timing = clock();
    const errors = Array.from({ length: 100 }, (_, i) => answer(503, `SlowDown ${i}`));
    const { call, calls } = failing(errors);
    await assert.rejects(withRetries(timing, 10_000, call), (error) => error === errors[calls() - 1]);
    const total = timing.slept.reduce((sum, ms) => sum + ms, 0);
    assert.ok(total < 10_000 && total > 8000, `${total} ms`);
    assert.ok(Math.max(...timing.slept) <= 2000);
  });

  for (const error of [
    answer(403, 'AccessDenied'),
    answer(404, 'NoSuchKey'),
    answer(412, 'PreconditionFailed'),
    new Error('our own'),
    Object.assign(new TypeError('misuse'), { code: 'ERR_INVALID_ARG_TYPE' }),
  ]) {
    it(`do not repeat a call that failed for good: ${error.message}`, async () => {
      const { call, calls } = failing([error]);
      await assert.rejects(withRetries(clock(), 10_000, call), (found) => found === error);
      assert.equal(calls(), 1);
    });
  }
});
