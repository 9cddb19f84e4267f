/** Tasks: long work of an account that goes on after its request was answered. */
import type { ArchiveRuling } from './policy/archive-ruling.ts';
import type { Caller } from './policy/caller.ts';
import type { ContextValues } from './policy/request-context.ts';
import type { Vault, VaultKey } from './vault.ts';

export type TaskKind = 'EmptyVault' | 'DeleteVault';

/** `Held`: it ended, and had to leave something. */
export type TaskState = 'Scheduled' | 'Running' | 'Succeeded' | 'Held' | 'Failed' | 'Canceled';

/** Tasks and their reports are kept this long after their end. */
export const TASK_LIFE_MS = 90 * 86_400_000;

/** The longest grace of a task, seconds. */
export const MAX_GRACE_SECONDS = 2_592_000;

/** Who asked for a task, and the condition values of the request, which the task is decided by again. */
export interface TaskRequest {
  readonly caller: Caller;
  /** Only those that do not change with time. */
  readonly values: ContextValues;
}

/** A task. Times are ms since 1970. */
export interface Task {
  readonly no: number;
  readonly id: string;
  readonly kind: TaskKind;
  readonly vault: VaultKey;
  readonly vaultNo: number;
  readonly vaultCreatedMs: number;
  readonly request: TaskRequest;
  readonly state: TaskState;
  readonly message: string | null;
  readonly createdMs: number;
  /** The end of its grace; null without one. */
  readonly dueMs: number | null;
  readonly completedMs: number | null;
  /** What the vault held when the request was accepted. */
  readonly archives: number;
  readonly bytes: number;
  /** Archives that are deleted with their rows. */
  readonly done: number;
  /** Archives that it leaves; null until it knows. */
  readonly held: number | null;
  /** It is about the vault's archives with a `no` up to this. */
  readonly lastNo: number;
  /** Of its entries in the journal; null before it was decided which archives it keeps. */
  readonly bulkId: string | null;
  /** When its archives went, for every reader at once; null before. */
  readonly markedMs: number | null;
  /** Whether rows of its deleted archives remain. */
  readonly isHiding: boolean;
}

/** A task that was authorized by the policies, tags, rights and trusted time of now. */
export interface AuthorizedTask {
  /** Undefined if it is gone. */
  readonly vault: Vault | undefined;
  readonly ruling: ArchiveRuling;
}

/** A line of a task's report. */
export interface TaskOutcome {
  readonly no: number;
  readonly archiveId: string;
  readonly size: number;
  readonly treeHash: string;
  /** Why it was kept; null if it was deleted. */
  readonly reason: string | null;
}
