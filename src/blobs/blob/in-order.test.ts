import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { inOrder } from './in-order.ts';

async function* numbers(count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) yield i;
}

describe('tasks in order', () => {
  it('run so many at a time, and give their results in the order of the items', async () => {
    for (const atOnce of [1, 3, 20]) {
      let [running, most] = [0, 0];
      const results: number[] = [];
      const task = async (item: number) => {
        most = Math.max(most, ++running);
        // Later items take fewer turns than earlier ones.
        for (let turn = item; turn < 10; turn++) await new Promise(setImmediate);
        running--;
        return item;
      };
      for await (const result of inOrder(numbers(10), atOnce, task)) results.push(result);
      assert.deepEqual(results, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      assert.ok(most <= atOnce && (atOnce === 1 || most > 1), `${most} of ${atOnce}`);
    }
  });

  it('end before an early end or a failure is passed on', async () => {
    let running = 0;
    const task = async (item: number) => {
      running++;
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
      running--;
      if (item === 2) throw new Error('the third failed');
      return item;
    };
    for await (const _ of inOrder(numbers(10), 3, task)) break;
    assert.equal(running, 0);
    const all = async () => {
      for await (const _ of inOrder(numbers(10), 3, task));
    };
    await assert.rejects(all, /the third failed/);
    assert.equal(running, 0);
  });
});
