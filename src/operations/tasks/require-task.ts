import { notFound } from '../../domain/errors.ts';
import type { Task } from '../../domain/task.ts';
import type { OperationDeps, OperationRequest } from '../operation.ts';

/**
 * The task of a request, if its caller may do the operation on the task's vault.
 * @throws Refusal not-found when there is no such task; 403 when no policy allows the operation on its vault.
 */
export async function requireTask(
  { id, vaultKey, authority }: Pick<OperationRequest, 'id' | 'vaultKey' | 'authority'>,
  { catalog }: Pick<OperationDeps, 'catalog'>,
): Promise<Task> {
  const task = await catalog.findTask(vaultKey, id);
  if (!task) throw notFound(`The task ID was not found: ${id}`);
  await authority.requireVault(task.vault);
  return task;
}
