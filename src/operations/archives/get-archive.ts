import { archiveNotFound } from '../../domain/archive.ts';
import type { StoredArchive } from '../../domain/archive-catalog.ts';
import { Refusal } from '../../domain/errors.ts';
import type { Vault } from '../../domain/vault.ts';
import { isTreeAligned, type Span } from '../../treehash/index.ts';
import { header } from '../fields.ts';
import { parseOutputRange, spanBytes } from '../jobs/byte-range.ts';
import { rangeTreeHash } from '../jobs/range-tree-hash.ts';
import { proveFirstLeaf, verifiedBytes } from '../jobs/verified-bytes.ts';
import { type OperationDeps, operation } from '../operation.ts';
import { requireArchive } from './require-archive.ts';

export const getArchive = operation({
  name: 'moraine:GetArchive',
  method: 'GET',
  alsoHead: true,
  path: '/{accountId}/vaults/{vaultName}/archives/{archiveId}/content',
  account: 'may-be-other',
  vault: 'must-exist',
  archiveId: (id) => id,
  body: 'none',
  isDownload: true,
  success: 200,
  fields: { range: header('range', (raw) => raw) },
  errors: ['ResourceNotFoundException', 'PolicyEnforcedException'],
  async run({ vault, id, range, isHead, clientGone }, deps) {
    requireOffered(deps);
    const archive = await requireArchive(id, vault, deps);
    const asked = parseOutputRange(range, archive.size);
    const span = asked ?? { first: 0, last: archive.size - 1 };
    const headers = await headersOf(archive, span, deps);
    return {
      ...(asked ? { status: 206 } : {}),
      headers: {
        ...headers,
        ...(asked ? { 'Content-Range': `bytes ${span.first}-${span.last}/${archive.size}` } : {}),
      },
      stream: isHead ? nothing() : await contentOf(archive, vault, span, deps, clientGone),
      auditData: { archiveId: id },
    };
  },
});

/** @throws Refusal denied where the operator does not offer direct reads. */
function requireOffered({ settings }: OperationDeps): void {
  if (settings.directReads !== 'off') return;
  throw new Refusal('denied', 'This server does not offer direct reads. Use InitiateJob and GetJobOutput.');
}

async function headersOf(
  archive: StoredArchive,
  span: Span,
  deps: OperationDeps,
): Promise<Record<string, string>> {
  const { description, size, createdMs } = archive;
  const treeHash = isTreeAligned(span, size) ? await rangeTreeHash(deps, archive, span) : null;
  return {
    'Accept-Ranges': 'bytes',
    'Content-Length': String(spanBytes(span)),
    'Content-Type': 'application/octet-stream',
    'Last-Modified': new Date(createdMs).toUTCString(),
    ...(description === null ? {} : { 'x-amz-archive-description': description }),
    ...(treeHash === null ? {} : { 'x-amz-sha256-tree-hash': treeHash }),
  };
}

/** The bytes of the span, verified. @throws Refusal over-policy; 500 for damage at their beginning. */
async function contentOf(
  archive: StoredArchive,
  vault: Vault,
  span: Span,
  deps: OperationDeps,
  clientGone: AbortSignal,
): Promise<AsyncIterable<Uint8Array>> {
  const { catalog, clock, settings } = deps;
  const whyGone = async (): Promise<Error | undefined> =>
    (await catalog.findArchive(vault.no, archive.id)) ? undefined : archiveNotFound(archive.id);
  if (settings.directReads === 'counted')
    await catalog.countDirectRead({ owner: vault, bytes: spanBytes(span), nowMs: clock.now() });
  return proveFirstLeaf(verifiedBytes(deps, { ...archive, whyGone }, span, clientGone));
}

/** The body of a reply to HEAD, whose head has the length of the bytes. */
async function* nothing(): AsyncGenerator<Uint8Array> {}
