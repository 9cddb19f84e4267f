import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Task } from '../domain/task.ts';
import { runTasks, type TaskDeps } from './run-tasks.ts';

it('a task that cannot be decided now does not hold up the others', async () => {
  const away = new Error('the clock is not trusted');
  const undecided = { no: 1, vaultNo: 1, isHiding: false, markedMs: null } as Task;
  let dropping = [{ no: 2, vaultNo: 2, isHiding: true } as Task];
  const dropped: number[] = [];
  const deps = {
    catalog: {
      listOpenTasks: async () => [undecided, ...dropping],
      async dropTaskArchives({ taskNo }: { readonly taskNo: number }) {
        dropped.push(taskNo);
        if (dropped.length === 3) dropping = [];
      },
    },
    clock: { now: () => 0 },
    authorize: () => Promise.reject(away),
    pause: async () => {},
  } as unknown as TaskDeps;
  await assert.rejects(runTasks(deps), away);
  assert.deepEqual(dropped, [2, 2, 2]);
});
