import { archiveNotFound, archiveOfAnotherVault } from '../../domain/archive.ts';
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import { parseRetrievalRange } from '../../domain/byte-range.ts';
import { requireOwnMarker } from '../../domain/inventory.ts';
import { type JobRequest, jobMembers, parseJobRequest } from '../../domain/job.ts';
import type { NewArchiveJob, NewJob } from '../../domain/job-catalog.ts';
import { requireInventory, type Vault, vaultNotFound } from '../../domain/vault.ts';
import { isTreeAligned } from '../../treehash/index.ts';
import { member } from '../fields.ts';
import { type OperationDeps, operation } from '../operation.ts';
import { rangeTreeHash } from './range-tree-hash.ts';

const MEMBERS = [
  'Type',
  'ArchiveId',
  'Description',
  'Format',
  'InventoryRetrievalParameters',
  'RetrievalByteRange',
  'SNSTopic',
  'Tier',
  'jobParameters',
] as const;

const asIs = (raw: unknown): unknown => raw;
const fields = Object.fromEntries(MEMBERS.map((name) => [name, member(name, asIs)])) as Record<
  (typeof MEMBERS)[number],
  ReturnType<typeof member<unknown>>
>;

export const initiateJob = operation({
  name: 'InitiateJob',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/jobs',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'json',
  success: 202,
  fields,
  errors: ['ResourceNotFoundException', 'PolicyEnforcedException', 'InsufficientCapacityException'],
  async run(input, deps) {
    const { vaultKey, vault } = input;
    const request = parseJobRequest(jobMembers(new Map(Object.entries(pick(input)))), vaultKey.region);
    const job = await newJob(request, vault, deps);
    const { expeditedCapacity } = deps.settings;
    await deps.catalog.startJob({ job, nowMs: job.createdMs, expeditedCapacity });
    return {
      status: 202,
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/jobs/${job.id}`,
        'x-amz-job-id': job.id,
      },
    };
  },
});

function pick(input: Readonly<Record<(typeof MEMBERS)[number], unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(MEMBERS.map((name) => [name, input[name]]));
}

async function newJob(request: JobRequest, vault: Vault, deps: OperationDeps): Promise<NewJob> {
  const createdMs = deps.clock.now();
  const { description, topic } = request;
  const base = { id: deps.ids.jobId(createdMs), vaultNo: vault.no, description, topic, createdMs };
  if (request.kind === 'archive') {
    const dueMs = deps.settings.dueTime(request.tier, createdMs);
    return { ...base, dueMs, ...(await archiveJob(request, vault, deps)) };
  }
  requireOwnMarker(request.request, vault.no);
  const state = await deps.catalog.findVaultState(vault);
  if (!state) throw vaultNotFound(vault);
  requireInventory(state, deps.settings.inventoryMode);
  const dueMs = deps.settings.dueTime('Inventory', createdMs);
  return { ...base, dueMs, kind: 'inventory', request: request.request };
}

type OfArchive = 'kind' | 'tier' | 'archiveId' | 'archive' | 'range' | 'rangeHash';

async function archiveJob(
  { archiveId, tier, range: rawRange }: JobRequest & { kind: 'archive' },
  vault: Vault,
  deps: OperationDeps,
): Promise<Pick<NewArchiveJob, OfArchive>> {
  const archive = await findIssued(archiveId, vault, deps);
  const common = { kind: 'archive', archiveId, tier } as const;
  // A deleted archive: the job is accepted and fails at its end, as on the service.
  if (!archive) return { ...common, archive: null, range: { first: 0, last: -1 }, rangeHash: null };
  const range = parseRetrievalRange(rawRange, archive.size);
  const aligned = isTreeAligned(range, archive.size);
  const rangeHash = aligned ? await rangeTreeHash(deps, archive, range) : null;
  const { no, size, treeHash, description, ref, uploadNo } = archive;
  return { ...common, archive: { no, size, treeHash, description, ref, uploadNo }, range, rangeHash };
}

/** Undefined for an archive that was deleted. @throws 404 for an id never issued, 400 for another vault's. */
async function findIssued(
  archiveId: string,
  vault: Vault,
  { catalog, ids }: OperationDeps,
): Promise<StoredArchive | undefined> {
  const archive = await catalog.findArchive(vault.no, archiveId);
  const verdict = archive ? 'of-this-vault' : ids.classifyArchiveId(archiveId, vault);
  if (verdict === 'of-another-vault') throw archiveOfAnotherVault(vault);
  if (verdict === 'not-ours') throw archiveNotFound(archiveId);
  return archive;
}
