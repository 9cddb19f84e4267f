import { operation } from '../operation.ts';
import { requireTask } from './require-task.ts';
import { toTaskDescription } from './task-description.ts';

export const describeTask = operation({
  name: 'moraine:DescribeTask',
  method: 'GET',
  path: '/{accountId}/tasks/{taskId}',
  account: 'may-be-other',
  vault: 'none',
  asksForVaults: true,
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  async run(request, deps) {
    return { json: toTaskDescription(await requireTask(request, deps)) };
  },
});
