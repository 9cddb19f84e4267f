import { isTreeAligned, type Span } from '../treehash/index.ts';
import { invalidParameter, notFound } from './errors.ts';
import type { InventoryRequest } from './inventory.ts';
import type { Tier } from './job-times.ts';

export type JobState = 'InProgress' | 'Succeeded' | 'Failed';

/** Jobs and their output are kept this long after completion. */
export const JOB_LIFE_MS = 24 * 3_600_000;

interface JobBase {
  readonly no: number;
  readonly id: string;
  readonly vaultNo: number;
  readonly description: string | null;
  readonly topic: string | null;
  readonly createdMs: number;
  /** When it is due. */
  readonly dueMs: number;
  readonly completedMs: number | null;
  readonly state: JobState;
}

/** Where an archive's bytes lie: one blob, or the parts of an upload. */
export interface SegmentSource {
  readonly ref: string | null;
  readonly uploadNo: number | null;
}

export interface ArchiveJob extends JobBase {
  readonly kind: 'archive';
  readonly tier: Tier;
  readonly archiveId: string;
  /** Null if the archive was gone when the job began. */
  readonly archive: (SegmentSource & ArchiveSummary) | null;
  /** Within the archive. */
  readonly range: Span;
  /** Tree hash of the range; null if it is not tree-hash aligned. */
  readonly rangeHash: string | null;
}

/** What a job keeps of its archive, which may be deleted before the job's end. */
interface ArchiveSummary {
  readonly no: number;
  readonly size: number;
  readonly treeHash: string;
  readonly description: string | null;
}

export interface InventoryJob extends JobBase {
  readonly kind: 'inventory';
  readonly request: InventoryRequest;
  /** Null until it succeeded. */
  readonly output: InventoryOutput | null;
}

/** The blob of a finished inventory. */
export interface InventoryOutput {
  readonly ref: string;
  readonly size: number;
  /** Where the next inventory begins; null if this one listed the last archive. */
  readonly nextMarker: string | null;
}

export type Job = ArchiveJob | InventoryJob;

/**
 * The size of a job's output.
 * @throws Refusal invalid, with the service's text, while the job is in progress, and for a failed job.
 */
export function requireOutputBytes(job: Job): number {
  if (job.state !== 'Succeeded') {
    throw invalidParameter(`The job is not currently available for download: ${job.id}`);
  }
  return job.kind === 'archive' ? job.range.last - job.range.first + 1 : (job.output?.size ?? 0);
}

/**
 * Whether to send a tree hash with an output: the job's range must be a node of the archive's tree, and the requested
 * range a node of the job's (API guide, "Receiving checksums when downloading data").
 */
export function showsTreeHash(job: ArchiveJob, taken: Span): boolean {
  return job.rangeHash !== null && isTreeAligned(taken, job.range.last - job.range.first + 1);
}

/** The refusal for a job that is unknown, expired, or of another vault. */
export function jobNotFound(id: string): Error {
  return notFound(`The job ID was not found: ${id}`);
}
