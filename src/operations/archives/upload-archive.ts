import { commitBlob } from '../commit-blob.ts';
import { header } from '../fields.ts';
import { type OperationDeps, type OperationRequest, operation } from '../operation.ts';
import { parseDescription } from './archive-headers.ts';
import { importArchive } from './import-archive.ts';
import { IMPORT_FIELDS, importAction, toImportOrder } from './import-headers.ts';

export const uploadArchive = operation({
  name: 'UploadArchive',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/archives',
  account: 'may-be-other',
  vault: 'must-exist',
  alsoNeeds: importAction,
  body: 'upload',
  success: 201,
  fields: { description: header('x-amz-archive-description', parseDescription), ...IMPORT_FIELDS },
  errors: ['ResourceNotFoundException', 'RequestTimeoutException'],
  // Each call makes a new archive, even of equal content, unless the client gives its id.
  async run({ vaultKey, vault, body, description, importId, importDate }, deps) {
    const order = toImportOrder({ importId, importDate }, deps.clock.now());
    const request = { vaultKey, vault, body };
    const { id, treeHash } = order
      ? { id: order.archiveId, ...(await importArchive(request, order, description, deps)) }
      : await storeArchive(request, description, deps);
    return {
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/archives/${id}`,
        'x-amz-archive-id': id,
        'x-amz-sha256-tree-hash': treeHash,
      },
    };
  },
});

async function storeArchive(
  { vaultKey, vault, body }: Pick<OperationRequest, 'vaultKey' | 'vault' | 'body'>,
  description: string | null,
  { catalog, blobs, clock, ids, sequence }: OperationDeps,
): Promise<{ id: string; treeHash: string }> {
  const { account, region, name } = vaultKey;
  const id = ids.archiveId(vaultKey, clock.now());
  let createdMs = 0;
  let number = 0;
  const stored = await body.store(blobs, async () => {
    // An archive's age counts from its last byte, so that a slow upload does not make it older.
    createdMs = clock.now();
    number = sequence.next();
    const of = { account, region, vault: name, archiveId: id, description, createdMs };
    return { kind: 'archive', ...of, offset: 0, sequence: number };
  });
  const { size, treeHash, ref } = stored;
  const row = { vaultNo: vault.no, id, description, createdMs, size, treeHash, ref, sequence: number };
  await commitBlob(blobs, ref, () => catalog.addArchive(row));
  return { id, treeHash };
}
