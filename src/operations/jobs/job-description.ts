import { toInventoryDate } from '../../domain/inventory.ts';
import type { InventoryJob, Job } from '../../domain/job.ts';
import { type VaultKey, vaultArn } from '../../domain/vault.ts';
import { toApiDate } from '../api-date.ts';

/** DescribeJob's answer. Every field is present, null if it has no value, in alphabetical order (observed). */
export function describeJob(job: Job, vault: VaultKey): Record<string, unknown> {
  const archive = job.kind === 'archive' ? job : null;
  const inventory = job.kind === 'inventory' ? job : null;
  return {
    Action: archive ? 'ArchiveRetrieval' : 'InventoryRetrieval',
    ArchiveId: archive?.archiveId ?? null,
    ArchiveSHA256TreeHash: archive?.archive?.treeHash ?? null,
    ArchiveSizeInBytes: archive?.archive?.size ?? null,
    Completed: job.state !== 'InProgress',
    CompletionDate: job.completedMs === null ? null : toApiDate(job.completedMs),
    CreationDate: toApiDate(job.createdMs),
    InventoryRetrievalParameters: inventory && describeRequest(inventory),
    InventorySizeInBytes: inventory?.output?.size ?? null,
    JobDescription: job.description,
    JobId: job.id,
    JobOutputPath: null,
    OutputLocation: null,
    RetrievalByteRange: archive?.archive ? `${archive.range.first}-${archive.range.last}` : null,
    SHA256TreeHash: archive?.rangeHash ?? null,
    SNSTopic: job.topic,
    SelectParameters: null,
    StatusCode: job.state,
    // Exactly the state after the end: one client compares it with `Succeeded` and `Failed`.
    StatusMessage: job.state === 'InProgress' ? null : job.state,
    Tier: archive?.tier ?? null,
    VaultARN: vaultArn(vault),
  };
}

/** `Marker` is the one that was sent while the job is in progress; afterwards the next one, null at the end. */
function describeRequest({ request, output }: InventoryJob): Record<string, string | null> {
  const date = (ms: number | null) => (ms === null ? null : toInventoryDate(ms));
  return {
    EndDate: date(request.endMs),
    Format: request.format,
    Limit: request.limit === null ? null : String(request.limit),
    Marker: output ? output.nextMarker : request.marker,
    StartDate: date(request.startMs),
  };
}

/** The message to a topic about a finished job: what DescribeJob answers. */
export function jobMessage(job: Job, vault: VaultKey): string {
  return JSON.stringify(describeJob(job, vault));
}
