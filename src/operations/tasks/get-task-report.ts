import type { Task, TaskOutcome } from '../../domain/task.ts';
import { type OperationDeps, operation } from '../operation.ts';
import { requireTask } from './require-task.ts';

const LINES_PER_PAGE = 500;

export const getTaskReport = operation({
  name: 'moraine:GetTaskReport',
  method: 'GET',
  path: '/{accountId}/tasks/{taskId}/report',
  account: 'may-be-other',
  vault: 'none',
  asksForVaults: true,
  body: 'none',
  success: 200,
  fields: {},
  errors: ['ResourceNotFoundException'],
  // A report grows while its task runs: each line is about an archive that is kept, or whose row is gone.
  async run(request, deps) {
    const task = await requireTask(request, deps);
    return { headers: { 'Content-Type': 'application/x-ndjson' }, stream: linesOf(task, deps) };
  },
});

async function* linesOf(
  { no }: Task,
  { catalog }: Pick<OperationDeps, 'catalog'>,
): AsyncGenerator<Uint8Array> {
  for (let after: number | null = null; ; ) {
    const { rows, more } = await catalog.listTaskOutcomes(no, { after, limit: LINES_PER_PAGE });
    if (rows.length > 0) yield Buffer.from(rows.map(toLine).join(''));
    after = rows.at(-1)?.no ?? after;
    if (!more) return;
  }
}

function toLine({ archiveId, size, treeHash, reason }: TaskOutcome): string {
  const outcome = reason === null ? { Outcome: 'Deleted' } : { Outcome: 'Held', Reason: reason };
  return `${JSON.stringify({ ArchiveId: archiveId, Size: size, SHA256TreeHash: treeHash, ...outcome })}\n`;
}
