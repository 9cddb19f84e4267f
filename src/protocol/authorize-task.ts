/** Decides a task anew when its time has come. */
import type { Catalog } from '../domain/catalog.ts';
import { Refusal } from '../domain/errors.ts';
import type { ArchiveRuling } from '../domain/policy/archive-ruling.ts';
import type { Policy } from '../domain/policy/policy.ts';
import type { AuthorizedTask, Task } from '../domain/task.ts';
import {
  type AuthorizationDeps,
  type AuthorizationRequest,
  authorizeRequest,
  ruleOnVault,
} from './authorize-request.ts';
import { ApiError } from './wire-error.ts';

interface TaskAuthorizationDeps extends AuthorizationDeps {
  readonly catalog: AuthorizationDeps['catalog'] & Pick<Catalog, 'findUser' | 'userPolicies'>;
}

/** Nothing of a vault that is gone is held, or deleted. */
const NOTHING: ArchiveRuling = { held: [], reasonToHold: () => undefined };

/**
 * Authorizes a task with its request's address, transport and user agent as they were, and policies, tags, rights and
 * trusted time as they are.
 * @throws Refusal denied when its caller may no longer do it; Shortage in a locked vault while the clock is not trusted.
 */
export async function authorizeTask(task: Task, deps: TaskAuthorizationDeps): Promise<AuthorizedTask> {
  const ask: AuthorizationRequest = {
    caller: task.request.caller,
    identity: await identityOf(task, deps),
    operation: { name: `moraine:${task.kind}`, needsTrustedTime: true },
    vaultKey: task.vault,
    archiveId: undefined,
    conditionValues: () => task.request.values,
  };
  try {
    const vault = await authorizeRequest(ask, deps);
    return { vault, ruling: vault ? await ruleOnVault(ask, vault, deps) : NOTHING };
  } catch (error) {
    if (error instanceof ApiError) throw new Refusal('denied', error.message);
    throw error;
  }
}

/** @throws Refusal denied when the user is gone: one of the same name is another. */
async function identityOf(
  { request: { caller } }: Task,
  { catalog, policies }: TaskAuthorizationDeps,
): Promise<readonly Policy[]> {
  if (caller.kind === 'root') return [];
  const user = await catalog.findUser(caller.accountId, caller.userName ?? '');
  if (user?.userId !== caller.userId) throw new Refusal('denied', `The user ${caller.arn} was deleted.`);
  const documents = await catalog.userPolicies(user?.no ?? 0);
  return documents.map(({ document }) => policies.get(document, 'identity'));
}
