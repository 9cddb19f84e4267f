import { invalidParameter, quote } from '../../domain/errors.ts';
import { MAX_GRACE_SECONDS, type TaskKind } from '../../domain/task.ts';
import { policyVersionOf } from '../../domain/vault.ts';
import { member } from '../fields.ts';
import { type OperationDeps, type OperationRequest, operation } from '../operation.ts';
import { countHeld } from './held-count.ts';

export const emptyVault = operation({
  name: 'moraine:EmptyVault',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/empty',
  account: 'may-be-other',
  vault: 'must-exist',
  needsTrustedTime: true,
  body: 'json',
  success: 202,
  fields: { dryRun: member('DryRun', parseDryRun), graceSeconds: member('GraceSeconds', parseGrace) },
  errors: ['ResourceNotFoundException'],
  async run(request, deps) {
    if (request.dryRun) return { status: 200, json: await describeDryRun(request, deps) };
    const started = await startDeletion('EmptyVault', request.graceSeconds, request, deps);
    return { headers: { 'x-moraine-task-id': started.TaskId }, json: started };
  },
});

type VaultRequest = Pick<OperationRequest, 'vault' | 'vaultKey' | 'authority'>;

async function describeDryRun(
  { vault, vaultKey, authority }: VaultRequest,
  deps: OperationDeps,
): Promise<Record<string, unknown>> {
  const HeldCount = await countHeld(vault, await authority.ruleOnArchives(vault), deps);
  const state = await deps.catalog.findVaultState(vaultKey);
  return { ArchiveCount: state?.archives ?? 0, SizeInBytes: state?.bytes ?? 0, HeldCount };
}

/** What a task was started over. */
interface StartedDeletion {
  readonly TaskId: string;
  readonly ArchiveCount: number;
  readonly SizeInBytes: number;
  readonly HeldCount: number | null;
}

/** Starts a task that deletes what a vault holds now. Without a grace and if no policy can hold any, all goes at once. */
export async function startDeletion(
  kind: TaskKind,
  graceSeconds: number,
  { vault, authority }: VaultRequest,
  deps: OperationDeps,
): Promise<StartedDeletion> {
  const { catalog, clock, ids, sequence } = deps;
  const ruling = await authority.ruleOnArchives(vault);
  const held = await countHeld(vault, ruling, deps);
  const nowMs = clock.now();
  const id = ids.jobId(nowMs);
  const { archives, bytes } = await catalog.startTask({
    ...{ id, kind, vaultNo: vault.no, request: authority.request, nowMs, held },
    dueMs: graceSeconds === 0 ? null : nowMs + graceSeconds * 1000,
    policyVersion: policyVersionOf(vault),
    number: sequence.next(),
    bulkId: ruling.held?.length === 0 ? ids.shortId() : null,
  });
  return { TaskId: id, ArchiveCount: archives, SizeInBytes: bytes, HeldCount: held };
}

function parseDryRun(raw: unknown): boolean {
  if (raw === undefined) return false;
  if (typeof raw === 'boolean') return raw;
  throw invalidParameter(`Invalid DryRun: ${quote(raw)}. It must be true or false.`);
}

function parseGrace(raw: unknown): number {
  if (raw === undefined) return 0;
  if (typeof raw === 'number' && Number.isInteger(raw) && raw >= 0 && raw <= MAX_GRACE_SECONDS) return raw;
  throw invalidParameter(
    `Invalid GraceSeconds: ${quote(raw)}. It must be a whole number from 0 to ${MAX_GRACE_SECONDS}.`,
  );
}
