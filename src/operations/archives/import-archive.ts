/** UploadArchive of an archive whose id is given. */
import type { BlobDigests } from '../../domain/blob-store.ts';
import { Refusal } from '../../domain/errors.ts';
import { type ImportOrder, unusableArchiveId } from '../../domain/import.ts';
import type { NewImport } from '../../domain/import-catalog.ts';
import { commitBlob } from '../commit-blob.ts';
import type { OperationDeps, OperationRequest } from '../operation.ts';
import { requireKnownIds } from './import-headers.ts';

type ImportRequest = Pick<OperationRequest, 'vaultKey' | 'vault' | 'body'>;

/** Ends an import whose archive is there already. No client sees it. */
class AlreadyThere extends Refusal {
  constructor() {
    super('invalid', 'the archive is there already');
  }
}

/**
 * Stores the body as an archive of the given id. If the vault has an archive of this id with the same size and tree hash,
 * keeps that one.
 * @throws Refusal invalid for an id that cannot be used.
 */
export async function importArchive(
  request: ImportRequest,
  order: ImportOrder,
  description: string | null,
  deps: OperationDeps,
): Promise<{ treeHash: string }> {
  await requireKnownIds(deps.catalog);
  await requireUsable(request, order, deps);
  const { blobs, clock, ids, sequence, catalog } = deps;
  const { vaultKey, vault, body } = request;
  const { archiveId } = order;
  const { account, region, name } = vaultKey;
  const claim = { archiveId, token: ids.shortId() };
  let times = { createdMs: 0, arrivedMs: 0 };
  let treeHash = '';
  let number = 0;
  let isClaimed = false;
  try {
    const stored = await body.store(blobs, async (digests) => {
      treeHash = digests.treeHash;
      await claimId(request, claim, digests, deps);
      isClaimed = true;
      const arrivedMs = clock.now();
      number = sequence.next();
      times = { createdMs: order.givenMs ?? arrivedMs, arrivedMs };
      const of = { account, region, vault: name, archiveId, description, ...times };
      return { kind: 'archive', ...of, offset: 0, sequence: number };
    });
    const { size, ref } = stored;
    const row: NewImport = {
      ...{ vaultNo: vault.no, id: archiveId, description, ...times },
      ...{ size, treeHash, ref, sequence: number },
    };
    await commitBlob(blobs, ref, async () => {
      if ((await catalog.importArchive(row)) === 'there') throw new AlreadyThere();
    });
  } catch (error) {
    // Once the archive is there nothing is released. A claim that stays ends with the next start.
    if (isClaimed) await catalog.releaseArchiveId(claim).catch(() => {});
    if (!(error instanceof AlreadyThere)) throw error;
  }
  return { treeHash };
}

/** Refuses what can be refused before the body. @throws Refusal invalid. */
async function requireUsable(
  { vaultKey, vault, body }: ImportRequest,
  { archiveId }: ImportOrder,
  { catalog, ids }: OperationDeps,
): Promise<void> {
  const isOwn = ids.classifyArchiveId(archiveId, vaultKey) !== 'not-ours';
  const known = isOwn ? undefined : await catalog.findImportedId(archiveId);
  if (known === undefined && !isOwn) return;
  // Read after the id, because both become known together.
  const archive = await catalog.findArchive(vault.no, archiveId);
  if (archive ? archive.size === body.length : known?.isClaimed && known.vaultNo === vault.no) return;
  throw unusableArchiveId(archiveId);
}

/** Claims the id before a blob carries it. @throws AlreadyThere, Refusal invalid. */
async function claimId(
  { vaultKey, vault }: ImportRequest,
  { archiveId, token }: { readonly archiveId: string; readonly token: string },
  { size, treeHash }: BlobDigests,
  { catalog, ids }: OperationDeps,
): Promise<void> {
  const bytes = { vaultNo: vault.no, size, treeHash };
  if (ids.classifyArchiveId(archiveId, vaultKey) === 'not-ours') {
    if ((await catalog.claimArchiveId({ archiveId, ...bytes, token })) === 'there') throw new AlreadyThere();
    return;
  }
  // An id of this server belongs to the archive that it was made for.
  const archive = await catalog.findArchive(vault.no, archiveId);
  if (archive?.size === size && archive.treeHash === treeHash) throw new AlreadyThere();
  throw unusableArchiveId(archiveId);
}
