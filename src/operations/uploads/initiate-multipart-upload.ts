import { unusableArchiveId } from '../../domain/import.ts';
import type { NewImportUpload } from '../../domain/import-catalog.ts';
import { parseDescription } from '../archives/archive-headers.ts';
import { IMPORT_FIELDS, importAction, requireKnownIds, toImportOrder } from '../archives/import-headers.ts';
import { header } from '../fields.ts';
import { type OperationDeps, type OperationRequest, operation } from '../operation.ts';
import { parsePartSize } from './upload-headers.ts';

export const initiateMultipartUpload = operation({
  name: 'InitiateMultipartUpload',
  method: 'POST',
  path: '/{accountId}/vaults/{vaultName}/multipart-uploads',
  account: 'may-be-other',
  vault: 'must-exist',
  alsoNeeds: importAction,
  body: 'none',
  success: 201,
  fields: {
    // Not `required`: the service answers a missing size like a wrong one ("Invalid part size: null").
    partSize: header('x-amz-part-size', parsePartSize),
    description: header('x-amz-archive-description', parseDescription),
    ...IMPORT_FIELDS,
  },
  errors: ['ResourceNotFoundException'],
  // Each call starts a new upload, unless the client gives the archive's id.
  async run(request, deps) {
    const { vaultKey, vault, partSize, description } = request;
    const { catalog, clock, ids } = deps;
    const createdMs = clock.now();
    const order = toImportOrder(request, createdMs);
    const of = { vaultNo: vault.no, description, partSize, createdMs };
    let id = ids.uploadId(createdMs);
    if (order) {
      const importedBy = request.callerAccount;
      id = await startImport(request, { ...of, ...order, id, importedBy }, deps);
    } else await catalog.startUpload({ ...of, id, archiveId: ids.archiveId(vaultKey, createdMs) });
    return {
      headers: {
        Location: `/${vaultKey.account}/vaults/${vaultKey.name}/multipart-uploads/${id}`,
        'x-amz-multipart-upload-id': id,
      },
    };
  },
});

/** @returns the id of the upload, or of an open one that this request repeats. @throws Refusal invalid. */
async function startImport(
  { vaultKey }: Pick<OperationRequest, 'vaultKey'>,
  upload: NewImportUpload,
  { catalog, ids }: Pick<OperationDeps, 'catalog' | 'ids'>,
): Promise<string> {
  await requireKnownIds(catalog);
  // An id of this server belongs to the archive that it was made for.
  if (ids.classifyArchiveId(upload.archiveId, vaultKey) !== 'not-ours')
    throw unusableArchiveId(upload.archiveId);
  return catalog.startImport(upload);
}
