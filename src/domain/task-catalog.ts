import type { Page, Paging } from './page.ts';
import type { SinceSpan } from './policy/archive-ruling.ts';
import type { Task, TaskKind, TaskOutcome, TaskRequest } from './task.ts';
import type { InventoryMode, VaultOwner } from './vault.ts';

/** An archive as policies look at it. */
export interface AgingArchive {
  readonly no: number;
  readonly createdMs: number;
  readonly arrivedMs: number | null;
}

/** A deletion that comes: archives of the vault with a `no` up to `lastNo` go at `dueMs`. */
export interface ComingDeletion {
  readonly lastNo: number;
  readonly dueMs: number;
}

/** Which part of a vault a page of archives is about. */
export interface AgingScope {
  readonly vaultNo: number;
  /** Archives with a greater number are left out; null for none. */
  readonly lastNo: number | null;
  readonly span: SinceSpan;
}

/** Where a page of `listAging` begins. */
export interface AgingKey {
  /** Imported archives whose age began later than they were created come last. */
  readonly isLate: boolean;
  readonly ms: number;
  readonly no: number;
}

export interface TaskReads {
  findTask(owner: VaultOwner, id: string): Promise<Task | undefined>;
  /** Newest first; `after` is a task's number. */
  listTasks(owner: VaultOwner, page: Paging<number>): Promise<Page<Task>>;
  /** Tasks that a worker must go on with: running ones, and scheduled ones that are due. */
  listOpenTasks(nowMs: number, limit: number): Promise<readonly Task[]>;
  /** A task's report, by the number of the archive. */
  listTaskOutcomes(taskNo: number, page: Paging<number>): Promise<Page<TaskOutcome>>;
  /** The deletions that are scheduled for a vault, the soonest first. */
  comingDeletions(vaultNo: number): Promise<readonly ComingDeletion[]>;
  /** Archives whose age began in a span. The key of the next page is that of the last row. */
  listAging(
    scope: AgingScope,
    page: Paging<AgingKey>,
  ): Promise<Page<AgingArchive & { readonly key: AgingKey }>>;
  /** Counts them. */
  countAging(scope: AgingScope): Promise<number>;
}

export interface StartTaskArgs {
  readonly id: string;
  readonly kind: TaskKind;
  readonly vaultNo: number;
  readonly request: TaskRequest;
  readonly nowMs: number;
  /** Null to begin at once. */
  readonly dueMs: number | null;
  /** The version of the vault's policies that the request was authorized by. */
  readonly policyVersion: number;
  /** Drawn now, as for a label: the bound of the bulk deletion is not below it. */
  readonly number: number;
  /** How many archives are held now; null if that is unknown. */
  readonly held: number | null;
  /**
   * Of its entry in the journal, where policies hold no archive of any age: without a grace, the archives then go with
   * this write. Null where a worker must decide. That none is held now is not enough: others may come first.
   */
  readonly bulkId: string | null;
}

/** What a task is about. */
export interface StartedTask {
  readonly archives: number;
  readonly bytes: number;
}

export interface BeginTaskArgs {
  readonly taskNo: number;
  /** New with each attempt, because entries of an earlier one may be in the journal. */
  readonly bulkId: string;
}

export interface KeepArchivesArgs {
  readonly taskNo: number;
  readonly bulkId: string;
  readonly nos: readonly number[];
  readonly reason: string;
}

export interface MarkTaskArgs {
  readonly taskNo: number;
  readonly bulkId: string;
  readonly policyVersion: number;
  readonly nowMs: number;
}

export interface DropTaskArchivesArgs {
  readonly taskNo: number;
  readonly limit: number;
  readonly nowMs: number;
  readonly mode: InventoryMode;
}

export interface EndTaskArgs {
  readonly taskNo: number;
  readonly state: 'Succeeded' | 'Held' | 'Failed' | 'Canceled';
  readonly message: string | null;
  readonly nowMs: number;
}

export interface ExpireTasksArgs {
  readonly endedBeforeMs: number;
  readonly limit: number;
}

export interface TaskWrites {
  /**
   * Starts a task over all that the vault holds now.
   * @throws Refusal not-found when the vault is gone; changed-meanwhile when its policies are no longer of this version.
   */
  startTask(args: StartTaskArgs): Promise<StartedTask>;
  /** Begins an attempt to decide which archives are kept, and forgets those of an earlier one, some at a time. @returns false while some are left. */
  beginTask(args: BeginTaskArgs): Promise<boolean>;
  /** Keeps archives of the task's vault, at most 1,000. @throws Refusal not-found when the vault is gone. */
  keepArchives(args: KeepArchivesArgs): Promise<void>;
  /**
   * Deletes the archives that are not kept, for every reader at once; their rows remain. False while rows of an earlier
   * task remain in the vault: try again later.
   * @throws Refusal not-found when the vault is gone; changed-meanwhile when its policies are no longer of this version.
   */
  markTask(args: MarkTaskArgs): Promise<boolean>;
  /** Drops rows of deleted archives, and lists their blobs as garbage. @returns false when none is left. */
  dropTaskArchives(args: DropTaskArchivesArgs): Promise<boolean>;
  /** Ends a task that has no rows to drop. */
  endTask(args: EndTaskArgs): Promise<void>;
  /** Cancels a scheduled task. False if it is in another state. */
  cancelTask(args: { readonly taskNo: number; readonly nowMs: number }): Promise<boolean>;
  /** Forgets what ended long ago, at most `limit` rows. @returns how many. */
  expireTasks(args: ExpireTasksArgs): Promise<number>;
}
