/** Goes on with tasks: decides which archives they keep, deletes the others at once, and drops rows behind. */
import type { BlobStore } from '../domain/blob-store.ts';
import type { Catalog } from '../domain/catalog.ts';
import type { Clock } from '../domain/clock.ts';
import { Refusal } from '../domain/errors.ts';
import type { Ids } from '../domain/ids.ts';
import { formerLockNoteName, lockNoteName } from '../domain/lock-note.ts';
import { type ArchiveRuling, EVERY_AGE, type SinceSpan, sinceOf } from '../domain/policy/archive-ruling.ts';
import type { AuthorizedTask, Task } from '../domain/task.ts';
import type { AgingKey } from '../domain/task-catalog.ts';
import { type InventoryMode, policyVersionOf } from '../domain/vault.ts';

/** Tasks that one round goes on with; the others follow when these have ended. */
const TASKS_PER_ROUND = 100;
/** Rows that one transaction drops. Small, because the writes of clients wait for it. */
const DROPPED_AT_ONCE = 250;
/** Archives that one transaction keeps. */
const KEPT_AT_ONCE = 500;

export interface TaskDeps {
  readonly catalog: Catalog;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly ids: Pick<Ids, 'shortId'>;
  readonly inventoryMode: InventoryMode;
  /**
   * Decides a task by the policies, tags, rights and trusted time of now.
   * @throws Refusal denied when the caller may no longer do it; Shortage while the clock is not trusted.
   */
  authorize(task: Task): Promise<AuthorizedTask>;
  /** Lets others write between two transactions. */
  pause(): Promise<void>;
}

/**
 * Goes on with all open tasks until none can. One process runs this, once at a time.
 * @throws the error of a task that could not go on now, after the others did.
 */
export async function runTasks(deps: TaskDeps): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  for (let again = true; again; ) {
    failure = undefined;
    const tasks = await deps.catalog.listOpenTasks(deps.clock.now(), TASKS_PER_ROUND);
    again = false;
    const busy = new Set(tasks.filter(({ isHiding }) => isHiding).map(({ vaultNo }) => vaultNo));
    for (const task of tasks) {
      if (!task.isHiding && busy.has(task.vaultNo)) continue;
      try {
        if (await goOn(deps, task)) again = true;
      } catch (error) {
        failure = { error };
      }
      await deps.pause();
    }
  }
  if (failure) throw failure.error;
}

/** Takes a task's next step. @returns false if it must wait. */
async function goOn(deps: TaskDeps, task: Task): Promise<boolean> {
  if (task.isHiding) {
    await drop(deps, task);
    return true;
  }
  try {
    return await (task.markedMs === null ? decide(deps, task) : deleteVault(deps, task));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    // The policies changed meanwhile: decide anew in a while.
    if (error.kind === 'changed-meanwhile') return false;
    await fail(deps, task, error.message);
    return true;
  }
}

async function drop({ catalog, clock, inventoryMode: mode }: TaskDeps, { no: taskNo }: Task): Promise<void> {
  await catalog.dropTaskArchives({ taskNo, limit: DROPPED_AT_ONCE, nowMs: clock.now(), mode });
}

function fail({ catalog, clock }: TaskDeps, { no: taskNo }: Task, message: string): Promise<void> {
  return catalog.endTask({ taskNo, state: 'Failed', message, nowMs: clock.now() });
}

async function decide(deps: TaskDeps, task: Task): Promise<boolean> {
  const { catalog, clock, ids } = deps;
  const { vault, ruling } = await deps.authorize(task);
  if (vault?.no !== task.vaultNo) {
    await fail(deps, task, 'The vault was deleted.');
    return true;
  }
  const bulkId = ids.shortId();
  while (!(await catalog.beginTask({ taskNo: task.no, bulkId }))) await deps.pause();
  for (const span of ruling.held ?? [EVERY_AGE]) await keepHeld(deps, task, { span, bulkId, ruling });
  const policyVersion = policyVersionOf(vault);
  return catalog.markTask({ taskNo: task.no, bulkId, policyVersion, nowMs: clock.now() });
}

interface Attempt {
  readonly span: SinceSpan;
  readonly bulkId: string;
  readonly ruling: ArchiveRuling;
}

/** Keeps what is held in a span. Archives of a span that the ruling names have one reason; others are asked. */
async function keepHeld(deps: TaskDeps, task: Task, { span, bulkId, ruling }: Attempt): Promise<void> {
  const scope = { vaultNo: task.vaultNo, lastNo: task.lastNo, span };
  for (let after: AgingKey | null = null; ; ) {
    const { rows, more } = await deps.catalog.listAging(scope, { after, limit: KEPT_AT_ONCE });
    const byReason = Map.groupBy(rows, (row) => ruling.reasonToHold(sinceOf(row)));
    for (const [reason, held] of byReason) {
      if (reason === undefined) continue;
      const nos = held.map(({ no }) => no);
      await deps.catalog.keepArchives({ taskNo: task.no, bulkId, nos, reason });
    }
    after = rows.at(-1)?.key ?? after;
    if (!more) return;
    await deps.pause();
  }
}

/** Deletes a vault that the task has emptied. */
async function deleteVault(deps: TaskDeps, task: Task): Promise<boolean> {
  const { catalog, blobs, clock } = deps;
  const { vault } = await deps.authorize(task);
  if (vault?.no === task.vaultNo) {
    const authorized = { no: vault.no, policyVersion: policyVersionOf(vault) };
    const deletion = { key: task.vault, authorized, nowMs: clock.now(), mode: 'live' } as const;
    await catalog.deleteVault(deletion);
    await blobs.removeNote(formerLockNoteName(task.vault));
  }
  await blobs.removeNote(lockNoteName({ vault: task.vault, vaultCreatedMs: task.vaultCreatedMs }));
  await catalog.endTask({ taskNo: task.no, state: 'Succeeded', message: null, nowMs: clock.now() });
  return true;
}
