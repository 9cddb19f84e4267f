import type { StoredArchive } from '../../domain/archive-catalog.ts';
import { requireOwnMarker } from '../../domain/inventory.ts';
import type { NewArchiveJob, NewJob } from '../../domain/job-catalog.ts';
import { requireInventory, type Vault, vaultNotFound } from '../../domain/vault.ts';
import { isTreeAligned } from '../../treehash/index.ts';
import { requireIssued } from '../archives/require-issued.ts';
import { member } from '../fields.ts';
import { type Members, type OperationDeps, operation } from '../operation.ts';
import { parseRetrievalRange } from './byte-range.ts';
import { type JobRequest, parseJobRequest } from './job-request.ts';
import { rangeTreeHash } from './range-tree-hash.ts';

/** The members of a job, and `jobParameters`, which may wrap them. */
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
  archiveId(_id, members) {
    const archiveId = unwrap(members).get('ArchiveId');
    return typeof archiveId === 'string' ? archiveId : undefined;
  },
  body: 'json',
  mayUseReserve: true,
  success: 202,
  fields,
  errors: ['ResourceNotFoundException', 'PolicyEnforcedException', 'InsufficientCapacityException'],
  async run(input, deps) {
    const { vaultKey, vault } = input;
    const members = new Map<string, unknown>(MEMBERS.map((name) => [name, input[name]]));
    const request = parseJobRequest(unwrap(members), vaultKey.region);
    const job = await newJob(request, vault, deps);
    const { expeditedCapacity } = deps.settings;
    await deps.catalog.startJob({ job, nowMs: job.createdMs, expeditedCapacity });
    return {
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/jobs/${job.id}`,
        'x-amz-job-id': job.id,
      },
    };
  },
});

/**
 * The members of the job. The API guide wraps them in `jobParameters`, though no known client does. Authorization and
 * the operation must read the same ones, or a policy would judge another archive than the one that is retrieved.
 */
function unwrap(body: Members): Members {
  const wrapped = body.get('jobParameters');
  const isObject = typeof wrapped === 'object' && wrapped !== null && !Array.isArray(wrapped);
  return isObject ? new Map(Object.entries(wrapped)) : body;
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
  // The archive was deleted: the job is accepted and fails at its end, as on the service.
  if (!archive) return { ...common, archive: null, range: { first: 0, last: -1 }, rangeHash: null };
  const range = parseRetrievalRange(rawRange, archive.size);
  const aligned = isTreeAligned(range, archive.size);
  const rangeHash = aligned ? await rangeTreeHash(deps, archive, range) : null;
  const { no, size, treeHash, description, ref, uploadNo } = archive;
  return { ...common, archive: { no, size, treeHash, description, ref, uploadNo }, range, rangeHash };
}

/** @returns undefined for a deleted archive. @throws 404 for an id never issued, 400 for one of another vault. */
async function findIssued(
  archiveId: string,
  vault: Vault,
  { catalog, ids }: OperationDeps,
): Promise<StoredArchive | undefined> {
  const archive = await catalog.findArchive(vault.no, archiveId);
  if (!archive) await requireIssued(archiveId, vault, { catalog, ids });
  return archive;
}
