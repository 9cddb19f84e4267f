import { invalidParameter } from '../../domain/errors.ts';
import { operation } from '../operation.ts';
import { requireTask } from './require-task.ts';

export const cancelTask = operation({
  name: 'moraine:CancelTask',
  method: 'DELETE',
  path: '/{accountId}/tasks/{taskId}',
  account: 'may-be-other',
  vault: 'none',
  asksForVaults: true,
  body: 'none',
  success: 204,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run(request, deps) {
    const { no: taskNo, id } = await requireTask(request, deps);
    if (await deps.catalog.cancelTask({ taskNo, nowMs: deps.clock.now() })) return {};
    const { state } = await requireTask(request, deps);
    throw invalidParameter(`The task ${id} cannot be canceled: its state is ${state}, not Scheduled.`);
  },
});
