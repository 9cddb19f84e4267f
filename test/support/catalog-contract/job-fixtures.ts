import assert from 'node:assert/strict';
import type { StoredArchive } from '../../../src/domain/archive-catalog.ts';
import type { Job } from '../../../src/domain/job.ts';
import type { NewArchiveJob, NewJob } from '../../../src/domain/job-catalog.ts';
import type { Vault } from '../../../src/domain/vault.ts';
import { type Customer, START_MS, unique } from './customer.ts';

export const TOPIC = 'arn:aws:sns:us-east-1:123456789012:done';
/** Default duration of jobs in tests. */
const JOB_MS = 1000;
export const DUE_MS = START_MS + JOB_MS;

/** A stored archive as a job's parameters name it. */
export async function storedArchive(c: Customer, vault: Vault, size = 12): Promise<StoredArchive> {
  const { id } = await c.addArchive(vault, { size });
  const found = await c.catalog.findArchive(vault.no, id);
  assert.ok(found);
  return found;
}

/** A retrieval of the whole archive. */
export function archiveJob(archive: StoredArchive, changes: Partial<NewArchiveJob> = {}): NewArchiveJob {
  const { no, size, treeHash, description, ref, uploadNo } = archive;
  return {
    kind: 'archive',
    id: `job-${unique()}`,
    vaultNo: archive.vaultNo,
    description: 'a job',
    topic: null,
    createdMs: START_MS,
    dueMs: DUE_MS,
    tier: 'Standard',
    archiveId: archive.id,
    archive: { no, size, treeHash, description, ref, uploadNo },
    range: { first: 0, last: size - 1 },
    rangeHash: treeHash,
    ...changes,
  };
}

type NewInventoryJob = Extract<NewJob, { kind: 'inventory' }>;

export function inventoryJob(vault: Vault, changes: Partial<NewInventoryJob> = {}): NewInventoryJob {
  const request = { format: 'CSV', startMs: 1, endMs: null, limit: 7, marker: null } as const;
  const times = { createdMs: START_MS, dueMs: DUE_MS };
  const facts = { id: `job-${unique()}`, vaultNo: vault.no, description: null, topic: null };
  return { kind: 'inventory', ...facts, ...times, request, ...changes };
}

export async function startJob(c: Customer, job: NewJob, nowMs = START_MS): Promise<Job> {
  await c.catalog.startJob({ job, nowMs, expeditedCapacity: null });
  return foundJob(c, job, nowMs);
}

export async function foundJob(
  c: Customer,
  { vaultNo, id }: Pick<Job, 'vaultNo' | 'id'>,
  nowMs = DUE_MS,
): Promise<Job> {
  const job = await c.catalog.findJob(vaultNo, id, nowMs);
  assert.ok(job, `there is no job ${id}`);
  return job;
}
