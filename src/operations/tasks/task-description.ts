import type { Task } from '../../domain/task.ts';
import { vaultArn } from '../../domain/vault.ts';
import { toApiDate } from '../api-date.ts';

/** A task as DescribeTask and ListTasks show it. */
export function toTaskDescription(task: Task): Record<string, unknown> {
  const date = (ms: number | null) => (ms === null ? null : toApiDate(ms));
  return {
    TaskId: task.id,
    Kind: task.kind,
    VaultARN: vaultArn(task.vault),
    State: task.state,
    CreationDate: toApiDate(task.createdMs),
    DueDate: date(task.dueMs),
    CompletionDate: date(task.completedMs),
    ArchiveCount: task.archives,
    SizeInBytes: task.bytes,
    DoneCount: task.done,
    HeldCount: task.held,
    Message: task.message,
  };
}
