import { START_MS } from '../catalog-contract/customer.ts';
import { startTask } from '../catalog-contract/tasks.ts';
import { type CallsOf, mainVault } from './call.ts';
import { OLD_TASK_NO, VAULT_NO } from './crowd.ts';

const DROP = { nowMs: START_MS, limit: 20 } as const;

/** Writes of tasks. */
export const TASK_WRITES: CallsOf<
  | 'startTask'
  | 'beginTask'
  | 'keepArchives'
  | 'markTask'
  | 'dropTaskArchives'
  | 'endTask'
  | 'cancelTask'
  | 'expireTasks'
> = {
  async startTask(c) {
    await startTask(c, await mainVault(c), { dueMs: START_MS + 1, held: null, bulkId: null });
    const other = await c.makeVault('emptied');
    await c.addArchive(other);
    await startTask(c, other);
  },
  beginTask: ({ catalog }) => catalog.beginTask({ taskNo: OLD_TASK_NO, bulkId: 'again' }),
  async keepArchives(c) {
    const { no: taskNo } = await startTask(c, await mainVault(c), { held: null, bulkId: null });
    while (!(await c.catalog.beginTask({ taskNo, bulkId: 'keeps' })));
    const { rows } = await c.catalog.listAging(
      { vaultNo: VAULT_NO, lastNo: null, span: { fromMs: 0, toMs: START_MS } },
      { after: null, limit: 20 },
    );
    await c.catalog.keepArchives({ taskNo, bulkId: 'keeps', nos: rows.map(({ no }) => no), reason: 'held' });
  },
  async markTask(c) {
    const vault = await c.makeVault('marked');
    await c.addArchive(vault);
    const { no: taskNo } = await startTask(c, vault, { held: null, bulkId: null });
    await startTask(c, vault, { dueMs: START_MS + 1, held: null, bulkId: null });
    while (!(await c.catalog.beginTask({ taskNo, bulkId: 'marks' })));
    await c.catalog.markTask({ taskNo, bulkId: 'marks', policyVersion: 0, nowMs: START_MS });
  },
  async dropTaskArchives(c) {
    const vault = await c.makeVault('dropped');
    for (let i = 0; i < 3; i++) await c.addArchive(vault);
    for (const mode of ['live', 'periodic'] as const) {
      const { no: taskNo } = await startTask(c, vault);
      while (await c.catalog.dropTaskArchives({ ...DROP, taskNo, mode }));
      await c.addArchive(vault);
    }
  },
  async endTask(c) {
    const { no: taskNo } = await startTask(c, await mainVault(c), {
      dueMs: START_MS + 1,
      held: null,
      bulkId: null,
    });
    await c.catalog.endTask({ taskNo, state: 'Failed', message: null, nowMs: START_MS });
  },
  async cancelTask(c) {
    const { no: taskNo } = await startTask(c, await mainVault(c), {
      dueMs: START_MS + 1,
      held: null,
      bulkId: null,
    });
    await c.catalog.cancelTask({ taskNo, nowMs: START_MS });
  },
  expireTasks: ({ catalog }) => catalog.expireTasks({ endedBeforeMs: START_MS, limit: 20 }),
};
