import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { NewArchive } from '../../../src/domain/archive-catalog.ts';
import type { Task } from '../../../src/domain/task.ts';
import type { AgingKey, StartTaskArgs } from '../../../src/domain/task-catalog.ts';
import { policyVersionOf, type Vault } from '../../../src/domain/vault.ts';
import {
  allGarbage,
  allPages,
  type Customer,
  type NewCustomer,
  refused,
  START_MS,
  unique,
} from './customer.ts';
import { archiveJob, foundJob, startJob, storedArchive } from './job-fixtures.ts';

const REQUEST = {
  caller: { kind: 'root', arn: 'arn:aws:iam::1:root', accountId: '1' },
  values: { 'aws:SourceIp': '::1' },
} as const;
const NOW = { nowMs: START_MS, mode: 'live', limit: 2 } as const;
const ALL = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER };

/** Starts a task in a vault. Without changes it begins at once, and nothing is held. */
export async function startTask(
  c: Customer,
  vault: Vault,
  changes: Partial<StartTaskArgs> = {},
): Promise<Task> {
  const id = `task-${unique()}`;
  const asked = { id, kind: 'EmptyVault', vaultNo: vault.no, request: REQUEST, nowMs: START_MS } as const;
  const decided = { held: 0, bulkId: `bulk-${unique()}`, policyVersion: policyVersionOf(vault) };
  await c.catalog.startTask({ ...asked, dueMs: null, number: 1, ...decided, ...changes });
  return foundTask(c, id);
}

async function foundTask(c: Customer, id: string): Promise<Task> {
  const task = await c.catalog.findTask(c.owner, id);
  assert.ok(task, `there is no task ${id}`);
  return task;
}

/** Drops all rows of a task. */
async function dropAll(
  c: Customer,
  { no: taskNo, id }: Task,
  mode: 'live' | 'periodic' = 'live',
): Promise<Task> {
  while (await c.catalog.dropTaskArchives({ ...NOW, taskNo, mode }));
  return foundTask(c, id);
}

async function keep(c: Customer, task: Task, kept: readonly NewArchive[], bulkId = `bulk-${unique()}`) {
  while (!(await c.catalog.beginTask({ taskNo: task.no, bulkId })));
  const nos = await Promise.all(
    kept.map(async ({ vaultNo, id }) => (await c.catalog.findArchive(vaultNo, id))?.no ?? 0),
  );
  await c.catalog.keepArchives({ taskNo: task.no, bulkId, nos, reason: 'locked' });
  return bulkId;
}

const mark = (c: Customer, { no: taskNo }: Task, bulkId: string, vault: Vault) =>
  c.catalog.markTask({ taskNo, bulkId, policyVersion: policyVersionOf(vault), nowMs: START_MS + 1 });

async function isThere(c: Customer, { vaultNo, id }: NewArchive): Promise<boolean> {
  return (await c.catalog.findArchive(vaultNo, id)) !== undefined;
}

async function listed(c: Customer, vault: Vault, asOfMs: number | null = null): Promise<string[]> {
  const scope = { startMs: null, endMs: null, asOfMs };
  const rows = await allPages(
    (page: { after: { createdMs: number; no: number } | null; limit: number }) =>
      c.catalog.listInventory(vault.no, scope, page),
    (entry) => entry,
  );
  return rows.map(({ id }) => id);
}

const outcomesOf = (c: Customer, { no }: Task) =>
  allPages(
    (page: { after: number | null; limit: number }) => c.catalog.listTaskOutcomes(no, page),
    (row) => row.no,
    2,
  );

async function counts(c: Customer) {
  const { archives, bytes } = await c.vault();
  return [archives, bytes];
}

export function tasks(customer: NewCustomer): void {
  it('empty a vault for every reader at once, and drop its rows behind', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const [first, second, third] = [
      await c.addArchive(vault, { size: 5 }),
      await c.addArchive(vault, { size: 6 }),
      await c.addArchive(vault, { size: 7 }),
    ];
    const task = await startTask(c, vault);
    assert.deepEqual([task.state, task.archives, task.bytes, task.held], ['Running', 3, 18, 0]);
    const later = await c.addArchive(vault, { size: 8 });
    for (const archive of [first, second, third]) assert.equal(await isThere(c, archive), false);
    assert.equal(await c.deleteArchive(first), false);
    assert.deepEqual(await listed(c, vault), [later.id]);
    assert.deepEqual(await counts(c), [1, 8]);

    assert.equal(await c.catalog.dropTaskArchives({ ...NOW, taskNo: task.no }), true);
    assert.equal((await foundTask(c, task.id)).done, 2);
    const ended = await dropAll(c, task);
    assert.deepEqual([ended.state, ended.done, ended.completedMs], ['Succeeded', 3, START_MS]);
    const gone = [first, second, third].map(({ ref }) => ref).sort();
    const garbage = (await allGarbage(c.catalog)).flatMap(({ ref }) =>
      gone.includes(ref ?? '') ? [ref] : [],
    );
    assert.deepEqual(garbage.sort(), gone);
    const outcomes = await outcomesOf(c, task);
    assert.deepEqual(
      outcomes.map(({ archiveId, size, treeHash, reason }) => ({ archiveId, size, treeHash, reason })),
      [first, second, third].map(({ id, size, treeHash }) => ({
        archiveId: id,
        size,
        treeHash,
        reason: null,
      })),
    );
    assert.deepEqual(await counts(c), [1, 8]);
    assert.equal(await isThere(c, later), true);
  });

  it('leave what they keep, and what was deleted or added meanwhile counts as it is', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const [kept, deleted, gone, both] = [
      await c.addArchive(vault, { size: 5 }),
      await c.addArchive(vault, { size: 6 }),
      await c.addArchive(vault, { size: 7 }),
      await c.addArchive(vault, { size: 8 }),
    ];
    const task = await startTask(c, vault, { held: null, bulkId: null });
    assert.equal(await isThere(c, gone), true);
    const later = await c.addArchive(vault, { size: 9 });
    await c.deleteArchive(deleted);
    const bulkId = await keep(c, task, [kept, both]);
    await c.deleteArchive(both);
    assert.equal(await mark(c, task, bulkId, vault), true);
    assert.deepEqual(await Promise.all([kept, deleted, gone, both, later].map((one) => isThere(c, one))), [
      true,
      false,
      false,
      false,
      true,
    ]);
    assert.deepEqual(await counts(c), [2, 14]);
    const ended = await dropAll(c, task);
    assert.deepEqual([ended.state, ended.done, ended.held], ['Held', 1, 1]);
    assert.deepEqual(
      (await outcomesOf(c, task)).map(({ archiveId, reason }) => [archiveId, reason]),
      [
        [kept.id, 'locked'],
        [gone.id, null],
      ],
    );
    assert.equal(await c.deleteArchive(kept), true);
    assert.deepEqual(await counts(c), [1, 9]);
  });

  it('are refused when the policies changed since they were read, at the start and when the archives go', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault);
    await refused('changed-meanwhile', startTask(c, vault, { policyVersion: 9 }));
    const task = await startTask(c, vault, { held: null, bulkId: null });
    const bulkId = await keep(c, task, []);
    await c.catalog.addTags({ vaultNo: vault.no, tags: { hold: 'yes' } });
    await refused('changed-meanwhile', mark(c, task, bulkId, vault));
    assert.equal(await isThere(c, archive), true);
    // Only the newest attempt may delete.
    await keep(c, task, [archive]);
    await refused('changed-meanwhile', mark(c, task, bulkId, await c.vault()));
    assert.equal(await isThere(c, archive), true);
  });

  it('decide anew without what an earlier attempt kept', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault);
    const task = await startTask(c, vault, { held: null, bulkId: null });
    await keep(c, task, [archive]);
    assert.equal(await mark(c, task, await keep(c, task, []), vault), true);
    assert.equal(await isThere(c, archive), false);
    assert.equal((await dropAll(c, task)).state, 'Succeeded');
  });

  it('wait in a vault until the rows of an earlier one are gone, and find what that one left', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archives = [await c.addArchive(vault), await c.addArchive(vault)];
    const scheduled = await startTask(c, vault, { dueMs: START_MS + 5, held: null, bulkId: null });
    const stays = await keep(c, scheduled, [archives[0] as NewArchive]);
    const later = await c.addArchive(vault, { size: 100 });
    const first = await startTask(c, vault);
    await refused('changed-meanwhile', mark(c, scheduled, stays, vault));
    const next = await keep(c, scheduled, []);
    assert.equal(await mark(c, scheduled, next, vault), false);
    await dropAll(c, first);
    const last = await c.addArchive(vault, { size: 3 });
    assert.equal(await mark(c, scheduled, next, vault), true);
    const ended = await dropAll(c, scheduled);
    assert.deepEqual([ended.state, ended.done], ['Succeeded', 0]);
    assert.deepEqual(await counts(c), [1, 3]);
    assert.deepEqual(await Promise.all([...archives, later, last].map((one) => isThere(c, one))), [
      false,
      false,
      false,
      true,
    ]);
  });

  it('go on after their vault was deleted, but delete nothing of a vault that is gone', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const archive = await c.addArchive(vault);
    const scheduled = await startTask(c, vault, { dueMs: START_MS + 5, held: null, bulkId: null });
    const task = await startTask(c, vault);
    assert.equal(await c.deleteVault(), true);
    assert.equal((await dropAll(c, task)).done, 1);
    assert.ok((await allGarbage(c.catalog)).some(({ ref }) => ref === archive.ref));
    const failed = await foundTask(c, scheduled.id);
    assert.deepEqual([failed.state, failed.message], ['Failed', 'The vault was deleted.']);
  });

  it('are listed by account, newest first, and canceled while they are scheduled', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const dueMs = START_MS + 100;
    const tasks = [await startTask(c, vault), await startTask(c, vault, { dueMs, held: null, bulkId: null })];
    const ids = await allPages(
      (page: { after: number | null; limit: number }) => c.catalog.listTasks(c.owner, page),
      (task) => task.no,
      1,
    );
    assert.deepEqual(
      ids.map(({ id }) => id),
      tasks.map(({ id }) => id).reverse(),
    );
    assert.equal(await c.catalog.findTask(customer().owner, tasks[0]?.id ?? ''), undefined);
    const [running, scheduled] = tasks as [Task, Task];
    assert.equal((await c.catalog.comingDeletions(vault.no))[0]?.dueMs, dueMs);
    assert.equal(await c.catalog.cancelTask({ taskNo: running.no, nowMs: START_MS }), false);
    assert.equal(await c.catalog.cancelTask({ taskNo: scheduled.no, nowMs: START_MS }), true);
    assert.equal((await foundTask(c, scheduled.id)).state, 'Canceled');
    assert.deepEqual(await c.catalog.comingDeletions(vault.no), []);
    assert.equal(await c.catalog.cancelTask({ taskNo: scheduled.no, nowMs: START_MS }), false);
  });

  it('tell the ages of archives by span', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const added: NewArchive[] = [];
    for (const createdMs of [100, 200, 200, 300]) added.push(await c.addArchive(vault, { createdMs }));
    const ages = async (fromMs: number, toMs: number) => {
      const scope = { vaultNo: vault.no, lastNo: null, span: { fromMs, toMs } };
      const rows = await allPages(
        (page: { after: AgingKey | null; limit: number }) => c.catalog.listAging(scope, page),
        (row) => row.key,
        1,
      );
      assert.equal(await c.catalog.countAging(scope), rows.length);
      return rows.map(({ createdMs }) => createdMs);
    };
    assert.deepEqual(await ages(100, 300), [100, 200, 200]);
    assert.deepEqual(await ages(ALL.fromMs, ALL.toMs), [100, 200, 200, 300]);
    assert.deepEqual(await ages(201, 300), []);
  });
}

/** About tasks of the whole catalog. */
export function taskLife(customer: NewCustomer): void {
  it('makes jobs on deleted archives fail', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const job = await startJob(c, archiveJob(await storedArchive(c, vault)));
    await startTask(c, vault);
    await c.catalog.finishArchiveJobs({ nowMs: job.dueMs, limit: 9 });
    assert.equal((await foundJob(c, job)).state, 'Failed');
  });

  it('keeps deleted archives in the inventory of an earlier moment', async () => {
    const c = customer();
    const vault = await c.makeVault();
    const { id } = await c.addArchive(vault);
    const task = await startTask(c, vault, { nowMs: START_MS + 10 });
    for (const [asOfMs, expected] of [
      [START_MS + 9, [id]],
      [START_MS + 10, []],
    ] as const)
      assert.deepEqual(await listed(c, vault, asOfMs), expected);
    await dropAll(c, task, 'periodic');
    assert.deepEqual(await listed(c, vault, START_MS + 9), [id]);
    assert.deepEqual(await listed(c, vault, START_MS + 10), []);
  });

  it('begins when it is due, ends once, and is forgotten later with its report', async () => {
    const c = customer();
    const vault = await c.makeVault();
    for (let i = 0; i < 3; i++) await c.addArchive(vault);
    const task = await startTask(c, vault, { dueMs: START_MS + 5, held: null, bulkId: null });
    const open = async (nowMs: number) => (await c.catalog.listOpenTasks(nowMs, 9)).map(({ no }) => no);
    assert.deepEqual(await open(START_MS + 4), []);
    assert.deepEqual(await open(START_MS + 5), [task.no]);
    await mark(c, task, await keep(c, task, []), vault);
    await dropAll(c, task);
    assert.deepEqual(await open(START_MS + 5), []);
    const end = { taskNo: task.no, state: 'Failed', message: 'no', nowMs: START_MS + 9 } as const;
    await c.catalog.endTask(end);
    assert.equal((await foundTask(c, task.id)).state, 'Succeeded');
    assert.equal(await c.catalog.expireTasks({ endedBeforeMs: START_MS, limit: 2 }), 0);
    const expired: number[] = [];
    for (let i = 0; i < 4; i++)
      expired.push(await c.catalog.expireTasks({ endedBeforeMs: START_MS + 1, limit: 2 }));
    assert.deepEqual(expired, [2, 1, 1, 0]);
    assert.equal(await c.catalog.findTask(c.owner, task.id), undefined);
  });
}
