import { isTreeAligned, type Span } from '../treehash/index.ts';
import { toApiDate } from './clock.ts';
import { invalidParameter, missingParameter, notFound, quote } from './errors.ts';
import { type InventoryRequest, parseFormat, parseInventoryRequest, toInventoryDate } from './inventory.ts';
import { TIERS, type Tier } from './job-times.ts';
import { parseTopic } from './notification.ts';
import { type VaultKey, vaultArn } from './vault.ts';

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

/** What a client asks for at InitiateJob. */
export type JobRequest = { readonly description: string | null; readonly topic: string | null } & (
  | {
      readonly kind: 'archive';
      readonly archiveId: string;
      readonly tier: Tier;
      readonly range: string | null;
    }
  | { readonly kind: 'inventory'; readonly request: InventoryRequest }
);

/** The members of InitiateJob's body, as sent. */
export type JobMembers = ReadonlyMap<string, unknown>;

/** @throws Refusal that names the member and its value. */
export function parseJobRequest(members: JobMembers, region: string): JobRequest {
  const get = (name: string) => members.get(name) ?? null;
  const type = get('Type');
  if (type === null) throw missingParameter('Type');
  if (type === 'select') throw invalidParameter('Invalid Type: select. Select jobs are not offered yet.');
  if (type !== 'archive-retrieval' && type !== 'inventory-retrieval') {
    throw invalidParameter(
      `Invalid Type: ${quote(type)}. It must be archive-retrieval or inventory-retrieval.`,
    );
  }
  const topic = get('SNSTopic');
  const common = {
    description: parseJobDescription(get('Description')),
    topic: topic === null || topic === '' ? null : parseTopic(topic, region),
  };
  const tier = parseTier(get('Tier'));
  if (type === 'archive-retrieval') return { ...common, tier, ...parseArchiveRequest(get) };
  for (const name of ['ArchiveId', 'RetrievalByteRange']) {
    if (get(name) !== null) throw invalidParameter(`Invalid ${name}: an inventory-retrieval job takes none.`);
  }
  const request = parseInventoryRequest(parseFormat(get('Format')), get('InventoryRetrievalParameters'));
  return { ...common, kind: 'inventory', request };
}

function parseArchiveRequest(get: (name: string) => unknown) {
  const archiveId = get('ArchiveId');
  if (archiveId === null || archiveId === '') throw missingParameter('ArchiveId');
  if (typeof archiveId !== 'string') throw invalidParameter(`Invalid ArchiveId: ${quote(archiveId)}`);
  const range = get('RetrievalByteRange');
  if (range !== null && typeof range !== 'string') {
    throw invalidParameter(`Invalid RetrievalByteRange: ${quote(range)}`);
  }
  return { kind: 'archive', archiveId, range: range === '' ? null : range } as const;
}

function parseTier(raw: unknown): Tier {
  if (raw === null || raw === '') return 'Standard';
  if (TIERS.includes(raw as Tier)) return raw as Tier;
  throw invalidParameter(`Invalid Tier: ${quote(raw)}. It must be ${TIERS.join(', ')}.`);
}

/** Up to 1,024 bytes of printable ASCII. */
function parseJobDescription(raw: unknown): string | null {
  if (raw === null || raw === '') return null;
  if (typeof raw === 'string' && raw.length <= 1024 && /^[\x20-\x7e]*$/.test(raw)) return raw;
  throw invalidParameter(
    `Invalid Description: ${quote(raw)}. It takes up to 1,024 characters of printable ASCII.`,
  );
}

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
