import type { ArchiveJob, InventoryJob, Job } from '../../domain/job.ts';
import { jobNotFound, requireOutputBytes, showsTreeHash } from '../../domain/job.ts';
import type { Span } from '../../treehash/index.ts';
import { header } from '../fields.ts';
import { type OperationDeps, operation } from '../operation.ts';
import { parseOutputRange, spanBytes } from './byte-range.ts';
import { rangeTreeHash } from './range-tree-hash.ts';
import { proveFirstLeaf, type StoredContent, verifiedBytes } from './verified-bytes.ts';

export const getJobOutput = operation({
  name: 'GetJobOutput',
  method: 'GET',
  path: '/{accountId}/vaults/{vaultName}/jobs/{jobId}/output',
  account: 'may-be-other',
  vault: 'must-exist',
  body: 'none',
  isDownload: true,
  success: 200,
  fields: { range: header('range', (raw) => raw) },
  errors: ['ResourceNotFoundException'],
  // The range is relative to the job's output. A range of the whole output is still a 206.
  async run({ vault, id, range, clientGone }, deps) {
    const job = await deps.catalog.findJob(vault.no, id, deps.clock.now());
    if (!job) throw jobNotFound(id);
    const total = requireOutputBytes(job);
    const asked = parseOutputRange(range, total);
    const taken = asked ?? { first: 0, last: total - 1 };
    const { stored, span, headers } = await outputOf(job, taken, deps);
    const stream = await proveFirstLeaf(verifiedBytes(deps, stored, span, clientGone));
    return {
      ...(asked ? { status: 206 } : {}),
      headers: {
        'Accept-Ranges': 'bytes',
        'Content-Length': String(spanBytes(taken)),
        ...(asked ? { 'Content-Range': `bytes ${taken.first}-${taken.last}/${total}` } : {}),
        ...headers,
      },
      stream,
      auditData: job.kind === 'archive' ? { archiveId: job.archiveId } : { jobType: 'inventory-retrieval' },
    };
  },
});

interface Output {
  readonly stored: StoredContent;
  /** Within the stored content. */
  readonly span: Span;
  readonly headers: Readonly<Record<string, string>>;
}

async function outputOf(job: Job, taken: Span, deps: OperationDeps): Promise<Output> {
  return job.kind === 'archive' ? archiveOutput(job, taken, deps) : inventoryOutput(job, taken);
}

async function archiveOutput(job: ArchiveJob, taken: Span, deps: OperationDeps): Promise<Output> {
  if (!job.archive) throw jobNotFound(job.id);
  const { first } = job.range;
  const span = { first: first + taken.first, last: first + taken.last };
  const { description } = job.archive;
  const treeHash = showsTreeHash(job, taken) ? await rangeTreeHash(deps, job.archive, span) : null;
  const headers = {
    'Content-Type': 'application/octet-stream',
    ...(description === null ? {} : { 'x-amz-archive-description': description }),
    ...(treeHash === null ? {} : { 'x-amz-sha256-tree-hash': treeHash }),
  };
  return { stored: job.archive, span, headers };
}

/** Inventories have no hash and no description. */
function inventoryOutput({ request, output }: InventoryJob, taken: Span): Output {
  const stored = {
    ref: output?.ref ?? '',
    uploadNo: null,
    size: output?.size ?? 0,
    treeHash: null,
  };
  const type = request.format === 'JSON' ? 'application/json' : 'text/csv';
  return { stored, span: taken, headers: { 'Content-Type': type } };
}
