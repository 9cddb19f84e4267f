import type { Task } from '../../domain/task.ts';
import { vaultArn } from '../../domain/vault.ts';
import { query } from '../fields.ts';
import { operation, type RequestAuthority } from '../operation.ts';
import { decodeMarker, encodeMarker, limitParser, parseMarker } from '../paging.ts';
import { toTaskDescription } from './task-description.ts';

const TASKS_PER_PAGE = 50;
const MARKER = 'task';

export const listTasks = operation({
  name: 'moraine:ListTasks',
  method: 'GET',
  path: '/{accountId}/tasks',
  account: 'may-be-other',
  vault: 'none',
  asksForVaults: true,
  body: 'none',
  success: 200,
  fields: { limit: query('limit', limitParser(TASKS_PER_PAGE)), marker: query('marker', parseMarker) },
  errors: [],
  // A page lacks the tasks of vaults that no policy allows the caller, so it may be short.
  async run({ vaultKey, authority, limit, marker }, { catalog }) {
    const page = { after: decodeMarker(MARKER, marker), limit };
    const { rows, more } = await catalog.listTasks(vaultKey, page);
    const last = rows.at(-1);
    const next = more && last ? encodeMarker(MARKER, last.no) : null;
    const shown = await allowedOf(rows, authority);
    return { json: { TaskList: shown.map(toTaskDescription), Marker: next } };
  },
});

/** Asks once for each vault. */
async function allowedOf(tasks: readonly Task[], authority: RequestAuthority): Promise<readonly Task[]> {
  const allowed = new Map<string, boolean>();
  for (const { vault } of tasks) {
    const arn = vaultArn(vault);
    if (!allowed.has(arn)) allowed.set(arn, await authority.allowsVault(vault));
  }
  return tasks.filter(({ vault }) => allowed.get(vaultArn(vault)));
}
